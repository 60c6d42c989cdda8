"""Define the types of captured values, as parameters of a tool declare them. No I/O."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import Field

type Kind = Literal["email", "phone", "date", "number", "name", "postcode"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind.__value__)
BY_KEYPAD: Final = frozenset({"phone", "date", "number", "postcode"})
"""Kinds that a telephone's keypad can type, if they have no letters in the agent's country."""
CAPTURE: Final = "capture"
"""Name of the runtime's tool."""
MAX_HANDLE: Final = 20


@dataclass(frozen=True, slots=True)
class Captured:
    """Marks a parameter: the model sends a handle for it, and the function receives the value."""

    kind: Kind


Email = Annotated[str, Captured("email")]
"""An address with a valid form, in lower case; whether it exists is not looked up."""
Phone = Annotated[str, Captured("phone")]
"""E.164, such as ``+12025550123``; a number without a prefix belongs to the agent's country."""
Date = Annotated[date, Captured("date")]
"""A day; without a year it is the next one."""
Number = Annotated[str, Captured("number")]
"""Digits, such as those of an order or an account. Text, because leading zeros count."""
Name = Annotated[str, Captured("name")]
"""A person's name, of one to five words."""
Postcode = Annotated[str, Captured("postcode")]
"""As the agent's country writes it, such as ``SW1A 1AA``."""


def captured_kind(hint: object) -> Kind | None:
    """Return the kind of a parameter's annotation; None for an ordinary one."""
    # `Email | None` nests the annotation.
    for inner in (hint, *get_args(hint)):
        for mark in getattr(inner, "__metadata__", ()):
            if isinstance(mark, Captured):
                return mark.kind
    return None


def handle_annotation(hint: Any, kind: Kind) -> Any:  # noqa: ANN401 - an annotation
    """Return the annotation of a captured parameter as the model sees it: the text of a handle."""
    described = next(
        (mark.description for mark in getattr(hint, "__metadata__", ()) if hasattr(mark, "description")), ""
    )
    return Annotated[str, Field(description=handle_text(described, kind), max_length=MAX_HANDLE)]


def handle_text(described: str, kind: Kind) -> str:
    """Return what the model reads about a captured parameter.

    Args:
        described: What it is, for an agent's tool; may be empty.
        kind: Of the value.
    """
    about = f"{described.rstrip('.')}. " if described else ""
    return f"{about}The handle that {CAPTURE} returned for kind {kind}, such as {kind}_1"


def as_value(kind: Kind, text: str) -> str | date:
    """Return the value that a tool receives, from the text that is stored."""
    return date.fromisoformat(text) if kind == "date" else text
