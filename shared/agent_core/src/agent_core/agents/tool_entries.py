"""Define what ``tools:`` of ``agent.yaml`` may contain besides names of functions in ``tools.py``. No I/O."""

import re
import shlex
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from agent_core.capture.kinds import Kind
from agent_core.tools.declared_schema import with_handles
from agent_core.tools.http_tool import PLACEHOLDER
from agent_core.tools.registry import DEFAULT_TIMEOUT, MAX_TIMEOUT

REFERENCE: Final = re.compile(r"\$(?:\{([A-Z][A-Z0-9_]{1,60})\}|([A-Z][A-Z0-9_]{1,60}))")
"""``$NAME`` or ``${NAME}``: a variable that the file declares."""
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_OWN_HEADERS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "idempotency-key"})
_KNOWLEDGE_BASE: Final = re.compile(r"[0-9A-Za-z]{10}|\$[A-Z][A-Z0-9_]{1,60}")

ToolName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Argument = Annotated[str, Field(min_length=1, max_length=100)]
Text = Annotated[str, Field(min_length=1, max_length=600, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]


def _seconds(value: object) -> object:
    """Return seconds of ``5``, ``5s`` or ``500ms``."""
    if isinstance(value, str) and (found := re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s)", value)):
        return float(found[1]) / (1000 if found[2] == "ms" else 1)
    return value


Deadline = Annotated[
    float,
    BeforeValidator(_seconds),
    Field(ge=0.1, le=MAX_TIMEOUT),
    WithJsonSchema({"type": ["number", "string"], "pattern": r"^\d+(\.\d+)?\s*(ms|s)?$"}),
]


def _header(value: str) -> str:
    if not value.isascii() or re.search(r"[\x00-\x1f\x7f]", value):
        raise ValueError("a header has only ASCII characters, in one line")
    return value


HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,60}$")]
HeaderValue = Annotated[str, Field(max_length=1000, repr=False), AfterValidator(_header)]


class ToolEntryPart(BaseModel):
    """What all entries have."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    deadline: Deadline = DEFAULT_TIMEOUT
    """Longest time of one use, such as ``5s``; at most 50 s. The caller waits that long."""
    failure: Word = "tool_failed"
    """The error word for the model when the service fails or takes too long."""
    filler: bool = True
    """Whether the caller hears that something is looked up, if it takes longer than they would wait in silence."""
    shown: bool = False
    """Whether a visitor's page may show arguments and result as a card."""


class McpEntry(ToolEntryPart):
    """Tools of an MCP server."""

    mcp: Annotated[str, Field(min_length=1, max_length=500)]
    """``https://…`` (streamable HTTP), a command line (stdio), or ``$NAME`` of a variable with one of them. While that
    variable is empty, the entry is left out.
    """
    allow: Annotated[tuple[ToolName, ...], Field(min_length=1, max_length=20)]
    """The server's tools that the model may call; no others are offered."""
    reads: tuple[ToolName, ...] = ()
    """Those of them that change nothing, so that a result is reused for an identical request."""
    headers: Mapping[HeaderName, HeaderValue] = Field(default_factory=dict)
    """Headers of each request; ``$NAME`` is a variable of ``secrets`` or ``environment``."""
    secrets: tuple[Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,60}$")], ...] = ()
    """Variables of ``secrets`` or ``environment`` that a command receives; it receives no others of ours."""
    captured: Mapping[ToolName, Mapping[Argument, Kind]] = Field(default_factory=dict)
    """By tool, arguments whose values callers spell or type, and their kind: ``{book: {mail: email}}``. The model sends
    a handle, the server gets the value.
    """

    @field_validator("mcp")
    @classmethod
    def _usable(cls, value: str) -> str:
        if value.startswith("$"):
            return _whole_reference(value)
        # Where a URL may lead depends on a setting, so that the folder is read with it.
        if "://" in value.partition(" ")[0]:
            return value
        try:
            words = shlex.split(value)
        except ValueError:
            raise ValueError("a quotation mark of the command is not closed") from None
        if not words:
            raise ValueError("write https://… or a command")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "McpEntry":
        if other := [name for name in self.reads if name not in self.allow]:
            raise ValueError(f"reads names {other[0]}, which is not in allow")
        if other := [name for name in self.captured if name not in self.allow]:
            raise ValueError(f"captured names {other[0]}, which is not in allow")
        if len(set(self.allow)) < len(self.allow):
            raise ValueError("allow names a tool twice")
        return self


class HttpEntry(ToolEntryPart):
    """One request to an HTTP service."""

    http: Annotated[str, Field(min_length=1, max_length=600)]
    """Method and URL: ``POST https://api.example.com/orders/{order}``; ``{order}`` is a parameter. ``$NAME`` instead of
    scheme and host is a variable; while it is empty, the entry is left out.
    """
    name: ToolName
    """What the model calls it."""
    description: Text
    """What it does and when to use it; the model reads this."""
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    """JSON schema of an object. Parameters that are not in the path become the query of GET and DELETE, otherwise the
    JSON body.
    """
    captured: Mapping[Argument, Kind] = Field(default_factory=dict)
    """Parameters whose values callers spell or type, and their kind, such as ``{mail: email}``. The model sends a
    handle, the service gets the value.
    """
    headers: Mapping[HeaderName, HeaderValue] = Field(default_factory=dict)
    """Headers of each request; ``$NAME`` is a variable of ``secrets`` or ``environment``."""
    hosts: tuple[Annotated[str, Field(pattern=r"^[a-z0-9.:-]{1,255}$")], ...] = ()
    """Hosts that the URL may have; required if the URL begins with a variable."""

    @field_validator("http")
    @classmethod
    def _usable(cls, value: str) -> str:
        method, _, url = value.partition(" ")
        if method not in _METHODS or not url:
            raise ValueError(f"write POST https://api.example.com/; methods are {', '.join(_METHODS)}")
        if not url.startswith("$"):
            # A host that an argument fills in could be any.
            if "{" in url.partition("://")[2].partition("/")[0]:
                raise ValueError("a parameter can stand in the path only")
        elif not re.match(REFERENCE.pattern + r"(/|$)", url):
            raise ValueError("after $NAME the URL goes on with /")
        if "?" in url or "#" in url:
            raise ValueError("parameters become the query; write the URL without ? and #")
        return value

    @field_validator("headers")
    @classmethod
    def _own(cls, headers: Mapping[str, str]) -> Mapping[str, str]:
        if own := [name for name in headers if name.lower() in _OWN_HEADERS]:
            raise ValueError(f"{own[0]} is set by the runtime")
        return headers

    @model_validator(mode="after")
    def _consistent(self) -> "HttpEntry":
        with_handles(self.parameters, self.captured, self.name)
        properties = self.parameters.get("properties", {})
        required = self.parameters.get("required", [])
        in_path = PLACEHOLDER.findall(self.url)
        if missing := [name for name in in_path if name not in properties or name not in required]:
            raise ValueError(f"the path has {{{missing[0]}}}, which must be a required parameter")
        if self.url.startswith("$") and not self.hosts:
            raise ValueError("hosts is missing: it lists the hosts that the variable may name")
        return self

    @property
    def method(self) -> str:
        """Method of the request."""
        return self.http.partition(" ")[0]

    @property
    def url(self) -> str:
        """URL, with its variable and placeholders."""
        return self.http.partition(" ")[2].strip()

    @property
    def acts(self) -> bool:
        """Whether a use changes something."""
        return self.method != "GET"


class BedrockSource(BaseModel):
    """A knowledge base of Amazon Bedrock."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bedrock: Annotated[str, Field(pattern=rf"^(?:{_KNOWLEDGE_BASE.pattern})$")]
    """Id of the knowledge base, ten letters and digits, or ``$NAME`` of a variable with it."""


class KnowledgeEntry(ToolEntryPart):
    """Documents that the model may search."""

    knowledge: Literal["folder"] | BedrockSource
    """``folder`` searches ``knowledge/*.md`` of this folder; ``{bedrock: KBID}`` a knowledge base of Amazon Bedrock."""
    name: ToolName = "search_knowledge"
    """What the model calls it."""
    description: Text = "Look something up in the documents, before you say that you do not know it."
    """What the documents are about; the model reads this."""
    results: Annotated[int, Field(ge=1, le=5)] = 3
    """Most passages of one search."""


def _whole_reference(value: str) -> str:
    if not REFERENCE.fullmatch(value):
        raise ValueError("a variable is $ and its name in capitals, and nothing else")
    return value


def kind_of(value: object) -> str:
    """Return which kind of entry a value is, by the key that only this kind has."""
    if isinstance(value, str):
        return "function"
    for kind in ("mcp", "http", "knowledge"):
        if (isinstance(value, Mapping) and kind in value) or hasattr(value, kind):
            return kind
    return "entry"


KINDS: Final[Mapping[str, type[BaseModel]]] = {"mcp": McpEntry, "http": HttpEntry, "knowledge": KnowledgeEntry}
ToolEntry = Annotated[
    Annotated[ToolName, Tag("function")]
    | Annotated[McpEntry, Tag("mcp")]
    | Annotated[HttpEntry, Tag("http")]
    | Annotated[KnowledgeEntry, Tag("knowledge")],
    Discriminator(
        kind_of,
        custom_error_type="tool_entry",
        custom_error_message="write the name of a function of tools.py, or an entry with mcp:, http: or knowledge:",
    ),
]
