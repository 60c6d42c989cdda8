"""Changes fields of frozen settings by name, with values from JSON or from a command line."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter


def changed[S](settings: S, changes: Mapping[str, object]) -> S:
    """Return the settings with these fields changed.

    Raises:
        ValueError: There is no such field, or its value is not valid.
    """
    fields: dict[str, Any] = asdict(settings)  # type: ignore[call-overload]  # no type bound expresses "a dataclass"
    if unknown := changes.keys() - fields.keys():
        raise ValueError(f"unknown setting {', '.join(sorted(unknown))}; the settings are {', '.join(fields)}")
    kind: TypeAdapter[S] = TypeAdapter(type(settings))
    return kind.validate_python({**fields, **changes})


def assignments(words: Sequence[str]) -> dict[str, object]:
    """Parse `name=value`, where the value is JSON (`true`, `null`, `0.05`) or a plain word.

    Raises:
        ValueError: There is no equals sign.
    """
    found: dict[str, object] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign:
            raise ValueError(f"{word!r} is not name=value")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found
