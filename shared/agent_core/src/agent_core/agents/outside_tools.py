"""Make the tools that an agent's file declares, from the entries ``mcp``, ``http`` and ``knowledge`` of ``tools:``."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from agent_core.agents.tool_entries import REFERENCE, HttpEntry, KnowledgeEntry, McpEntry
from agent_core.agents.yaml_lines import Document
from agent_core.capture.kinds import Kind
from agent_core.errors import ConfigurationError
from agent_core.tools import http_tool, knowledge
from agent_core.tools.circuit_breaker import CircuitBreaker
from agent_core.tools.declared_tool import Declaration, DeclaredTool
from agent_core.tools.http_tool import HttpEndpoint, HttpTool
from agent_core.tools.knowledge import FolderDocuments, KnowledgeTool
from agent_core.tools.mcp_server import Connect, McpOptions, McpServer
from agent_core.tools.outbound import Outbound, Target
from agent_core.tools.registry import Tool

type Offered = Tool | McpServer
"""A tool, or a server whose tools are known later."""


@dataclass(frozen=True, slots=True)
class OutsideContext:
    """What the entries of one folder are made with.

    Attributes:
        folder: The agent's folder.
        document: Its ``agent.yaml``, for the lines of errors.
        variables: The variables that it declares, with their values; contains secrets.
        outbound: Which addresses are allowed.
        region: AWS region.
    """

    folder: Path
    document: Document
    variables: Mapping[str, str]
    outbound: Outbound
    region: str


def of_entry(entry: McpEntry | HttpEntry | KnowledgeEntry, index: int, context: OutsideContext) -> Iterator[Offered]:
    """Make what an entry declares; nothing while its variable is empty.

    Raises:
        ConfigurationError: it cannot be used; the reason names file and line.
    """
    maker = _Maker(index, context)
    match entry:
        case McpEntry():
            yield from maker.mcp(entry)
        case HttpEntry():
            yield from maker.http(entry)
        case KnowledgeEntry():
            yield from maker.knowledge(entry)


def tools_of(offered: Sequence[Offered]) -> list[Tool]:
    """Return the tools for a conversation that begins now."""
    return [tool for one in offered for tool in (one.tools() if isinstance(one, McpServer) else [one])]


def later_kinds(offered: Sequence[Offered]) -> set[Kind]:
    """Return the kinds of captured values that tools of servers receive, also of servers without a catalogue yet."""
    return {kind for one in offered if isinstance(one, McpServer) for kind in one.options.kinds}


class _Maker:
    def __init__(self, index: int, context: OutsideContext) -> None:
        self._index = index
        self._context = context

    def mcp(self, entry: McpEntry) -> Iterator[McpServer]:
        address = self._filled(entry.mcp, "mcp")
        if not address:
            return
        headers = self._headers(entry.headers)
        options = McpOptions(
            self._place(address),
            # Catalogues may differ by credentials, so these belong to what is equal.
            sha256(repr((address, sorted(headers.items()), entry.allow)).encode()).hexdigest(),
            entry.allow,
            entry.reads,
            entry.deadline,
            entry.failure,
            entry.filler,
            entry.shown,
            entry.captured,
        )
        yield McpServer(self._context.folder.name, options, self._connect(address, headers, entry))

    def _place(self, address: str) -> str:
        if "://" in address.partition(" ")[0]:
            return self._target(address, "mcp").host
        return Path(shlex.split(address)[0]).name

    def _connect(self, address: str, headers: Mapping[str, str], entry: McpEntry) -> Connect:
        # Loaded now: a folder is read in a thread, and at the first connection conversations would wait for it.
        sdk = _sdk()
        if "://" in address.partition(" ")[0]:
            outbound = self._context.outbound
            return lambda on_change: sdk.over_http(address, headers, outbound, on_change)
        environment = {name: self._variable(name, "secrets") for name in entry.secrets}
        command = shlex.split(address)
        return lambda on_change: sdk.over_stdio(command, environment, on_change)

    def http(self, entry: HttpEntry) -> Iterator[Tool]:
        url = self._filled(entry.url, "http")
        if not url or url.startswith("/"):
            return
        target = self._target(http_tool.PLACEHOLDER.sub("x", url), "http")
        if entry.hosts and target.host not in entry.hosts and target.place not in entry.hosts:
            raise self._wrong("hosts", f"the URL has the host {target.host}, which hosts does not list")
        endpoint = HttpEndpoint(entry.method, url, self._headers(entry.headers), entry.failure)
        breaker = CircuitBreaker(http_tool.SERVICE, target.host)
        tool = HttpTool(endpoint, self._context.outbound, breaker)
        declaration = Declaration(
            entry.name,
            entry.description,
            entry.parameters,
            entry.deadline,
            entry.failure,
            acts=entry.acts,
            filler=entry.filler,
            shown=entry.shown,
            captured=entry.captured,
        )
        yield DeclaredTool(declaration, tool.send)

    def knowledge(self, entry: KnowledgeEntry) -> Iterator[Tool]:
        if isinstance(entry.knowledge, str):
            try:
                documents: knowledge.Documents = FolderDocuments(self._context.folder / "knowledge")
            except ValueError as error:
                raise self._wrong("knowledge", str(error)) from None
            place = "folder"
        else:
            place = self._filled(entry.knowledge.bedrock, "knowledge")
            if not place:
                return
            documents = _bedrock(place, self._context.region)
        tool = KnowledgeTool(documents, entry.results, CircuitBreaker(knowledge.SERVICE, place))
        declaration = Declaration(
            entry.name,
            entry.description,
            knowledge.SCHEMA,
            entry.deadline,
            entry.failure,
            filler=entry.filler,
            shown=entry.shown,
        )
        # A search of the folder costs nothing, and a conversation may need many.
        yield DeclaredTool(declaration, tool.send, rationed=place != "folder", sources=knowledge.sources_of)

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return headers with their values; one whose secret is not set is left out."""
        filled = {}
        for name, value in headers.items():
            variables = [found[1] or found[2] for found in REFERENCE.finditer(value)]
            if all(self._variable(one, "headers", name) for one in variables):
                filled[name] = self._filled(value, "headers", name)
        return filled

    def _filled(self, text: str, *place: str) -> str:
        return REFERENCE.sub(lambda found: self._variable(found[1] or found[2], *place), text).strip()

    def _variable(self, name: str, *place: str) -> str:
        known = self._context.variables.get(name)
        if known is None:
            raise self._wrong(
                *place, f"${name} is not declared: add {name} to environment, secrets or optional_secrets"
            )
        # A value with a line break would add a header.
        if any(ord(each) < ord(" ") for each in known):
            raise self._wrong(*place, f"the variable {name} has a line break")
        return known

    def _target(self, url: str, *place: str) -> Target:
        try:
            return self._context.outbound.target(url)
        except ValueError as error:
            raise self._wrong(*place, str(error)) from None

    def _wrong(self, *place_and_reason: str) -> ConfigurationError:
        *place, reason = place_and_reason
        return ConfigurationError(f"{self._context.document.where(('tools', self._index, *place))}: {reason}")


def _sdk() -> ModuleType:
    # Only here: the SDK takes 0.6 s and 21 MB, and most agents do without.
    from agent_core.tools import mcp_session  # noqa: PLC0415

    return mcp_session


def _bedrock(knowledge_base: str, region: str) -> knowledge.Documents:
    # Only here: boto3 takes time and memory.
    from agent_core.tools.bedrock_knowledge import BedrockDocuments  # noqa: PLC0415

    return BedrockDocuments(knowledge_base, region)
