"""Define and check ``agent.yaml``: all that an agent's folder says about it besides words and code. No I/O."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from agent_core import destinations
from agent_core.agents import opening_hours, tool_entries
from agent_core.agents.stage_file import ExitFile, StageFile, Stages
from agent_core.agents.tool_entries import ToolEntry
from agent_core.agents.yaml_lines import Document
from agent_core.errors import ConfigurationError
from agent_core.settings import known_zone

FOLDER: Final = re.compile(r"[a-z][a-z0-9-]{0,30}")
"""Form of a folder's name, which is the agent's id."""

type Language = Literal["en-US", "en-GB", "en-AU", "en-IN", "fr-FR", "it-IT", "de-DE", "es-US", "pt-BR", "hi-IN"]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Number = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$")]
Color = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,60}$")]
_EXPECTED: Final = {
    "numbers": "a number in E.164, such as +15550100002",
    "colors": "a color such as #b3261e",
    "country": "two capitals, such as GB",
    "path": "/ or /a/ and the folder's name",
    "environment": "names in capitals with text values, such as BOOKING_URL: https://…",
    "secrets": "a name in capitals, such as BOOKING_TOKEN",
    "optional_secrets": "a name in capitals, such as BOOKING_TOKEN",
    "address": "tel:+15550100900, sip:host@example.com, or $NAME of a variable that holds one",
    "tools": "a name of letters, digits and _",
    "allow": "names of letters, digits and _",
    "failure": "a word in lower case, such as booking_failed",
    "hosts": "hosts in lower case, such as api.example.com",
    "bedrock": "the id of a knowledge base, ten letters and digits, or $NAME",
    "description": "text of at most 600 characters",
    "name": "text of one line, at most 200 characters",
}
"""What is right, by the last key that names a value whose form pydantic can only describe as a pattern."""
_UNION_STEPS: Final = ("tuple", "str", "constrained", "literal", "BedrockSource")
_TAG: Final = 2
"""Index of the tag in the place of a problem with an entry of ``tools``."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Colors(_Part):
    """Accent colors of the page."""

    accent: Color
    """On a light background; 4.5 : 1 against white."""
    accent_dark: Color | None = None
    """On a dark background; the page's own if it is missing."""


class PageFile(_Part):
    """How the agent appears on the web."""

    path: Annotated[str | None, Field(pattern=r"^/(a/[a-z][a-z0-9-]{0,30})?$")] = None
    """``/`` for the default agent, which also answers numbers that no agent lists; otherwise ``/a/`` and the folder's
    name.
    """
    title: Line | None = None
    """The page's title; the agent's name if it is missing."""
    welcome: Line | None = None
    """One sentence that says what the agent can do."""
    placeholder: Line | None = None
    """Shown in the empty text field."""
    questions: Annotated[tuple[Line, ...], Field(max_length=6)] = ()
    """What a visitor might say, offered as buttons."""
    colors: Colors | None = None
    texts: Mapping[str, Annotated[str, Field(min_length=1, max_length=400)]] = Field(default_factory=dict)
    """The page's own texts that this agent words differently, by the keys of the page's ``texts/en.ts``."""


class PersonFile(_Part):
    """A person that key 0 or the model can connect."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
    """What the model, the log and people say; lower case."""
    address: Annotated[str, Field(min_length=2, max_length=800, repr=False)]
    """``tel:+…``, ``sip:…`` or ``client:…``; several separated by ``|`` are tried in order. ``$NAME`` reads a variable.
    """
    language: Language | None = None
    """Language of the sentence that the person hears first; the agent's if it is missing."""

    @field_validator("address")
    @classmethod
    def _callable(cls, address: str) -> str:
        # A number in the folder is checked now; one from the environment when the folder is read.
        if not address.startswith("$"):
            destinations.parse_addresses(address)
        elif not re.fullmatch(r"\$[A-Z][A-Z0-9_]{1,60}", address):
            raise ValueError("a variable is $ and its name in capitals")
        return address


class NoticeFile(_Part):
    """What the page says about a service that the tools use."""

    title: Line
    """Such as ``Bookings``."""
    text: Line
    """One or two sentences; ``${service}`` is the name of the service, or its hosts if they are not the usual ones."""
    text_here: Line | None = None
    """The same if all its addresses are on this computer."""
    service: Line
    """Name of the service."""
    hosts: Line
    """Domain of the service, such as ``example.com``."""
    urls: Annotated[tuple[Variable, ...], Field(min_length=1, max_length=10)]
    """Variables that hold its addresses."""


class LimitsFile(_Part):
    """Limits of one conversation; the operator's limits apply where they are lower."""

    max_call_seconds: Annotated[int | None, Field(ge=10, le=14_400)] = None
    """Longest conversation."""
    idle_prompt_seconds: Annotated[float | None, Field(ge=0, le=600)] = None
    """Silence of both sides after which the agent asks whether the caller is still there; 0 never asks."""


class AgentFile(_Part):
    """``agent.yaml``."""

    name: Annotated[Line, Field(max_length=60)]
    """On whose behalf the agent speaks, such as the name of the business."""
    description: Line = ""
    """What it does, for lists of agents."""
    language: Language = "en-US"
    """The agent's language; the ten variants of seven languages that the model speaks."""
    country: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$")] = None
    """Country whose phone numbers and postcodes callers give without saying which, ISO 3166, such as ``GB``; the
    language's if it is missing.
    """
    voice: Annotated[str | None, Field(pattern=r"^[a-z]{2,40}$")] = None
    """Voice id; the language's own if it is missing."""
    numbers: Annotated[tuple[Number, ...], Field(max_length=200)] = ()
    """Phone numbers that it answers, E.164. Two agents with one number refuse to start."""
    page: PageFile = PageFile()
    people: Annotated[tuple[PersonFile, ...] | None, Field(max_length=20)] = None
    """People that it can connect; key 0 calls the first. ``TRANSFER_DESTINATIONS`` applies if this is missing."""
    time_zone: Annotated[str, AfterValidator(known_zone)] | None = None
    """Such as ``Europe/Rome``; ``TIME_ZONE`` if it is missing."""
    opening_hours: Mapping[str, str | tuple[str, ...]] | None = None
    """By day or range of days: ``mon-fri: ["12:00-14:30", "18:00-22:30"]``, ``sun: closed``."""
    limits: LimitsFile = LimitsFile()
    stages: Stages = Field(default_factory=dict)
    """Parts of the conversation by name, the first one first; one part without a name if it is missing."""
    tools: Annotated[tuple[ToolEntry, ...], Field(max_length=60)] | None = None
    """Functions of ``tools.py`` that the model may call, by name; all that are marked if it is missing. Besides names,
    entries of the kinds below.
    """
    notice: Annotated[tuple[NoticeFile, ...], Field(max_length=10)] = ()
    """What the page's notice says about the services that receive data of a visitor."""
    environment: Mapping[Variable, Annotated[str, Field(max_length=2000)]] = Field(default_factory=dict)
    """Environment variables that its tools may read, with their defaults."""
    secrets: tuple[Variable, ...] = ()
    """The same without a default: each must be set."""
    optional_secrets: tuple[Variable, ...] = ()
    """The same where the tools can do without them; empty if they are not set."""

    @field_validator("opening_hours")
    @classmethod
    def _hours(cls, hours: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if hours is not None:
            opening_hours.parse(hours)
        return hours

    @field_validator("people")
    @classmethod
    def _differ(cls, people: tuple[PersonFile, ...] | None) -> tuple[PersonFile, ...] | None:
        names = [person.name for person in people or ()]
        if len(set(names)) < len(names):
            raise ValueError("two people have the same name")
        return people


def check(document: Document) -> AgentFile:
    """Check the content of an ``agent.yaml``.

    Raises:
        ConfigurationError: it is not valid; the reason names file, line and expected value of each problem.
    """
    if not isinstance(document.value, dict):
        raise ConfigurationError(f"{document.where(())}: the file needs at least name: and the agent's name")
    try:
        return AgentFile.model_validate(document.value)
    except ValidationError as error:
        problems = [_problem(document, each) for each in error.errors(include_url=False, include_input=False)]
        # One value with several types has one problem per type; the first says enough.
        raise ConfigurationError("; ".join(dict.fromkeys(problems))) from None


def _problem(document: Document, issue: Any) -> str:  # noqa: ANN401 - pydantic's typed dict
    # Pydantic adds a step for each member of a union, which is not in the file.
    place = tuple(part for part in issue["loc"] if not (isinstance(part, str) and part.startswith(_UNION_STEPS)))
    # The tag of an entry of `tools` is such a step too, and has the name of one of its keys.
    kind = place[2] if place[:1] == ("tools",) and len(place) > _TAG else ""
    if kind in (*tool_entries.KINDS, "function"):
        place = (*place[:_TAG], *place[_TAG + 1 :])
    name = ".".join(str(part) for part in place)
    where = document.where(place)
    match issue["type"]:
        # Most often a misspelling, so the right names are listed.
        case "extra_forbidden":
            keys = tool_entries.KINDS[kind].model_fields if kind in tool_entries.KINDS else _keys(place[:-1])
            return f"{where}: {name} is not known here; known are {', '.join(keys)}"
        case "missing":
            return f"{where}: {name} is missing"
        case "string_pattern_mismatch":
            keys = [part for part in place if isinstance(part, str)]
            right = next((_EXPECTED[key] for key in reversed(keys) if key in _EXPECTED), None)
            return f"{where}: {name} must be {right}" if right else f"{where}: {name} has the wrong form"
    return f"{where}: {name}: {issue['msg'].removeprefix('Value error, ')}"


def _keys(place: tuple[str | int, ...]) -> list[str]:
    parts: dict[str, type[BaseModel]] = {"page": PageFile, "people": PersonFile, "limits": LimitsFile, "colors": Colors}
    parts |= {"notice": NoticeFile, "exits": ExitFile}
    names = [part for part in place if isinstance(part, str)]
    # The key of a stage is the adopter's own name.
    if len(place) == len(("stages", "name")) and place[0] == "stages":
        return list(StageFile.model_fields)
    return list((parts.get(names[-1], AgentFile) if names else AgentFile).model_fields)
