"""Read an agent's folder."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from string import Template
from types import ModuleType
from typing import Final

from agent_core import destinations, voices
from agent_core.agents import agent_code, agent_file, outside_tools, page_texts, stage_file, yaml_lines
from agent_core.agents.agent import VARIABLES, Agent
from agent_core.agents.agent_file import AgentFile
from agent_core.agents.outside_tools import Offered, OutsideContext, later_kinds, tools_of
from agent_core.agents.stage_file import StageFile
from agent_core.agents.stages import Exit, Stage
from agent_core.agents.tool_entries import HttpEntry, KnowledgeEntry, McpEntry
from agent_core.agents.toolkit import make_tool, options_of
from agent_core.destinations import Destination
from agent_core.errors import ConfigurationError
from agent_core.sentences import Sentences
from agent_core.settings import CoreSettings, zone_named
from agent_core.tools.call import ToolSurroundings
from agent_core.tools.capture import capture_tools
from agent_core.tools.go_to import PREFIX, stage_tool
from agent_core.tools.goodbye import goodbye_tools
from agent_core.tools.outbound import Outbound
from agent_core.tools.registry import Tool, ToolRegistry
from agent_core.tools.transfer import transfer_tools

_READ: Final = ("*.yaml", "*.md", "*.py", "*/*.py", "knowledge/*.md")
"""What belongs to a version. Rehearsals and the page's sources do not: no conversation depends on them."""
_MAX_FILES: Final = 500
_MAX_INSTRUCTIONS: Final = 40_000
"""Characters; the model's whole prompt is limited, and each turn costs what it contains."""


@dataclass(frozen=True, slots=True)
class FolderContext:
    """What a folder is read with.

    Attributes:
        settings: Of the service: defaults for what a folder leaves open.
        variables: Environment variables, ``.env`` included.
        people: The people that an agent can connect if its folder names none.
        can_connect: Whether the channel can connect a person: a page cannot call a SIP address.
        outbound: Which addresses tools may connect to; None is what the settings say.
    """

    settings: CoreSettings
    variables: Mapping[str, str]
    people: tuple[Destination, ...] = ()
    can_connect: Callable[[Destination], bool] = lambda _: True
    outbound: Outbound | None = None

    def reachable(self, people: Sequence[Destination]) -> list[str]:
        """Return the names of the people that this channel can connect."""
        return [person.name for person in people if self.can_connect(person)]


def files_of(folder: Path) -> list[Path]:
    """Return the files that a version of an agent consists of, in a fixed order; bounded."""
    found = {path for pattern in _READ for path in folder.glob(pattern) if path.is_file()}
    return sorted(path for path in found if not any(part.startswith((".", "__")) for part in _inside(folder, path)))[
        :_MAX_FILES
    ]


def _inside(folder: Path, path: Path) -> tuple[str, ...]:
    parts = path.relative_to(folder).parts
    return tuple(part for part in parts if part != "__init__.py" and not part.startswith("rehearsals"))


def digest(folder: Path) -> str:
    """Return the version of a folder: 12 hexadecimal digits over names and content."""
    summed = sha256()
    for path in files_of(folder):
        content = path.read_bytes()
        summed.update(f"{path.relative_to(folder)}:{len(content)}:".encode())
        summed.update(content)
    return summed.hexdigest()[:12]


def read(folder: Path, context: FolderContext) -> Agent:
    """Read a folder.

    Raises:
        ConfigurationError: it is not usable; the reason names file and line.
    """
    name = f"agents/{folder.name}"
    if not agent_file.FOLDER.fullmatch(folder.name):
        raise ConfigurationError(f"{name}: a folder's name has lower-case letters, digits and -, at most 31")
    document = yaml_lines.read(folder / "agent.yaml", f"{name}/agent.yaml")
    file = agent_file.check(document)
    version = digest(folder)
    if file.page.path not in (None, "/", f"/a/{folder.name}"):
        raise ConfigurationError(f"{document.where(('page', 'path'))}: path must be / or /a/{folder.name}")
    for key, problem in page_texts.problems(file.page.texts, file.language):
        raise ConfigurationError(f"{document.where(('page', 'texts', key))}: {key} {problem}")
    # Every part is checked before the agent exists, so that no call finds a mistake first.
    zone = context.settings.zone if file.time_zone is None else zone_named(file.time_zone)
    people = _people(file, document, context)
    surroundings = ToolSurroundings(folder.name, file.language, zone, _variables(file, document, context))
    module = agent_code.load(folder, version) if (folder / "tools.py").is_file() else None
    outbound = context.outbound or Outbound(frozenset(context.settings.tool_private_hosts))
    outside = OutsideContext(folder, document, surroundings.settings, outbound, context.settings.aws_region)
    own = list(_own_tools(file, module, surroundings, outside))
    capturing = capture_tools(tools_of(own), later_kinds(own))
    always = [*capturing, *transfer_tools(context.reachable(people)), *goodbye_tools()]
    ways = {each: _go_to(stage) for each, stage in file.stages.items()}
    # Two stages that lead to the same one describe it differently; to run, one is as good as the other.
    go_to = {tool.spec.name: tool for tools in ways.values() for tool in tools}
    offered = (*own, *go_to.values(), *always)
    tools = tools_of(offered)
    # The registry would refuse each conversation.
    try:
        ToolRegistry(tools)
    except ValueError:
        where = f"{name}/tools.py" if file.tools is None else document.where(("tools",))
        raise ConfigurationError(f"{where}: a tool has the name of one of the runtime's own, or of another") from None
    agent = Agent(
        folder.name,
        version,
        file,
        instructions=_instructions(folder / "instructions.md", f"{name}/instructions.md"),
        tools=tuple(tools),
        people=people,
        voice=_voice(file, document, context.settings),
        zone=zone,
        sentences=Sentences.of(file.language, folder / "sentences.yaml", f"{name}/sentences.yaml"),
        variables={key: surroundings.settings[key] for key in file.environment},
        resources=_Resources.of(module, surroundings),
        stages={
            each: _stage(each, file, [*ways[each], *always]).with_tools(tools)
            for each in _checked_stages(file, document, own, context.settings)
        },
        offered=offered,
    )
    if capturing:
        agent.reader.load()
    return agent


def _checked_stages(
    file: AgentFile, document: yaml_lines.Document, own: Sequence[Offered], settings: CoreSettings
) -> Mapping[str, StageFile]:
    """Return the stages of an agent.

    Raises:
        ConfigurationError: an exit leads nowhere, or a stage offers a tool that the agent does not have.
    """
    # An entry whose variable is not set makes no tool, and its name is right all the same.
    entries = (entry for entry in file.tools or () if not isinstance(entry, str))
    named = (name for one in entries for name in (one.allow if isinstance(one, McpEntry) else (one.name,)))
    names = frozenset(tool.spec.name for tool in tools_of(own)) | frozenset(named)
    found = [
        f"{document.where(('stages', *place))}: {problem}"
        for place, problem in stage_file.problems(file.stages, names, VARIABLES)
    ]
    if found:
        raise ConfigurationError("; ".join(found))
    for name, stage in file.stages.items():
        if stage.voice is not None:
            _check_voice(stage.voice, file, document.where(("stages", name, "voice")), settings)
    return file.stages


def _go_to(stage: StageFile) -> list[Tool]:
    return [stage_tool(way.to, way.when) for way in stage.exits if way.when]


def _stage(name: str, file: AgentFile, fixed: Sequence[Tool]) -> Stage:
    stage = file.stages[name]
    exits = [Exit(way.to, f"{PREFIX}{way.to}" if way.when else way.after or "", way.known or "") for way in stage.exits]
    return Stage(
        name,
        stage.instructions,
        stage.begin,
        voice=stage.voice or "",
        exits=tuple(exits),
        names=None if stage.tools is None else frozenset(stage.tools),
        fixed=tuple(fixed),
    )


@dataclass(frozen=True, slots=True)
class _Resources:
    """Opens what the tools of an agent share."""

    open: object
    surroundings: ToolSurroundings

    @classmethod
    def of(cls, module: ModuleType | None, surroundings: ToolSurroundings) -> "_Resources | None":
        opens = getattr(module, "resources", None)
        return cls(opens, surroundings) if callable(opens) else None


def _own_tools(
    file: AgentFile, module: ModuleType | None, surroundings: ToolSurroundings, outside: OutsideContext
) -> Iterator[Offered]:
    # In the order of the file: the model reads the tools in it.
    marked = {name: value for name, value in vars(module).items() if options_of(value)} if module else {}
    for index, wanted in enumerate(marked if file.tools is None else file.tools):
        if not isinstance(wanted, str):
            yield from _outside(wanted, index, outside)
            continue
        if wanted not in marked:
            known = f"its tools are {', '.join(marked)}" if marked else "no function of tools.py is marked with @tool"
            raise ConfigurationError(f"{outside.document.where(('tools', index))}: there is no tool {wanted}; {known}")
        function = marked[wanted]
        try:
            yield make_tool(function, surroundings)
        except (ValueError, TypeError) as error:
            line = getattr(getattr(function, "__code__", None), "co_firstlineno", 1)
            raise ConfigurationError(f"agents/{outside.folder.name}/tools.py, line {line}: {error}") from error


def _outside(entry: McpEntry | HttpEntry | KnowledgeEntry, index: int, context: OutsideContext) -> Iterator[Offered]:
    try:
        yield from outside_tools.of_entry(entry, index, context)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{context.document.where(('tools', index))}: {error}") from error


def _instructions(path: Path, name: str) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError:
        raise ConfigurationError(f"{name}: the file is missing; it says in plain words what the agent does") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{name}: the file is not UTF-8 text") from None
    if not text.strip():
        raise ConfigurationError(f"{name}, line 1: the file is empty")
    # The model refuses a prompt that is too long, and would do so in every call.
    if len(text) > _MAX_INSTRUCTIONS:
        raise ConfigurationError(f"{name}: more than {_MAX_INSTRUCTIONS} characters; move details to knowledge/")
    for found in Template.pattern.finditer(text):
        variable = found["named"] or found["braced"]
        # A lone dollar sign, as in a price, is text; a name that nothing fills in would be read to the caller.
        if variable is not None and variable not in VARIABLES:
            line = text.count("\n", 0, found.start()) + 1
            names = ", ".join(f"${{{each}}}" for each in sorted(VARIABLES))
            raise ConfigurationError(f"{name}, line {line}: {found[0]} is not filled in; known are {names}")
    return text


def _voice(file: AgentFile, document: yaml_lines.Document, settings: CoreSettings) -> str:
    if file.voice is None:
        return voices.for_language(file.language, settings.nova_sonic_voice, settings.model_id)
    _check_voice(file.voice, file, document.where(("voice",)), settings)
    return file.voice


def _check_voice(voice: str, file: AgentFile, where: str, settings: CoreSettings) -> None:
    if voice not in voices.of_model(settings.model_id) and not settings.nova_sonic_voice_unlisted:
        made = ", ".join(voices.OF_LANGUAGE[file.language])
        raise ConfigurationError(f"{where}: {settings.model_id} has no voice {voice}; for {file.language}: {made}")


def _people(file: AgentFile, document: yaml_lines.Document, context: FolderContext) -> tuple[Destination, ...]:
    if file.people is None:
        return context.people
    people = []
    for index, person in enumerate(file.people):
        address, where = person.address, document.where(("people", index, "address"))
        if address.startswith("$"):
            address = context.variables.get(address[1:], "")
            if not address:
                raise ConfigurationError(f"{where}: the variable {person.address} is not set")
        try:
            people.append(Destination(person.name, destinations.parse_addresses(address), person.language))
        except ValueError as error:
            raise ConfigurationError(f"{where}: {error}") from None
    return tuple(people)


def _variables(file: AgentFile, document: yaml_lines.Document, context: FolderContext) -> dict[str, str]:
    values = {name: context.variables.get(name) or default for name, default in file.environment.items()}
    values |= {name: context.variables.get(name, "") for name in (*file.secrets, *file.optional_secrets)}
    for index, name in enumerate(file.secrets):
        if not values[name]:
            raise ConfigurationError(f"{document.where(('secrets', index))}: the variable {name} is not set")
    return values
