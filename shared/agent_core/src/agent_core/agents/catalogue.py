"""Hold the agents of a process, select one for each conversation, and take in edits of their folders."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import structlog

from agent_core.agents import agent_code, folder
from agent_core.agents.agent import Agent
from agent_core.agents.agent_servers import AgentServers
from agent_core.agents.folder import FolderContext
from agent_core.errors import ConfigurationError, ProtocolError

log = structlog.get_logger()

_OPEN_SECONDS: Final = 10.0
_CLOSE_SECONDS: Final = 3.0
_MAX_AGENTS: Final = 200
_VERSIONS: Final = 20
"""Most versions of one agent that are kept for conversations which began with them."""

type State = tuple[int, int]
"""Time of change and size; zeros if there is nothing."""
type Stamp = tuple[tuple[str, int, int], ...]
"""Name, size and time of change of each file: cheap to compare before each conversation."""


class UnknownAgent(ProtocolError):
    """There is no agent of this name."""


class AgentCatalogue:
    """The agents of a process.

    Args:
        agents: At least one. The first whose page is ``/`` is the default; a single agent is the default anyway.
        root: Where their folders are; None for agents without folders, which never change.
        context: What their folders are read with.

    Raises:
        ConfigurationError: there is no default, or two agents have the same number or page.
    """

    def __init__(self, agents: Iterable[Agent], root: Path | None = None, context: FolderContext | None = None) -> None:
        self._agents = {agent.id: agent for agent in agents}
        self._root = root
        self._context = context
        self._versions: dict[tuple[str, str], Agent] = {(one.id, one.version): one for one in self._agents.values()}
        self._stamps: dict[str, Stamp] = {}
        self._seen: dict[str, State] = {}
        """What was seen of each file and folder at the last refresh."""
        self._resources: dict[tuple[str, str], _Opened] = {}
        self._servers = AgentServers(self._retool)
        self._refreshing: asyncio.Task[None] | None = None
        self._running = False
        self.problems: dict[str, str] = {}
        """What is wrong with a folder, by its name, in one line."""
        self.in_use: Callable[[], Iterable[Agent]] = lambda: ()
        """Returns the agents of the conversations in progress."""
        _check(list(self._agents.values()))

    @classmethod
    def read(cls, root: Path, context: FolderContext) -> "AgentCatalogue":
        """Read all folders. A broken one is reported and left out, unless none is left.

        Raises:
            ConfigurationError: there is no usable agent or no default, or two agents have the same number or page.
        """
        agents, problems, stamps = [], {}, {}
        for each in folders(root):
            stamps[each.name] = stamp(each)
            try:
                agents.append(folder.read(each, context))
            except ConfigurationError as error:
                problems[each.name] = error.reason
        if not agents:
            raise ConfigurationError("; ".join(problems.values()) or f"AGENTS_DIR: no agent is in {root}")
        for name, problem in problems.items():
            log.error("agent_disabled", agent=name, problem=problem)
        try:
            made = cls(agents, root, context)
        except ConfigurationError as error:
            # A missing default is explained by the folder that would be it.
            raise ConfigurationError("; ".join([error.reason, *problems.values()])) from None
        made.problems, made._stamps = problems, stamps
        return made

    @classmethod
    def of(cls, agent: Agent) -> "AgentCatalogue":
        """Return a catalogue of one agent without a folder."""
        return cls([agent])

    @property
    def default(self) -> Agent:
        """The agent of ``/`` and of numbers that no agent lists."""
        return next((one for one in self._agents.values() if one.path == "/"), next(iter(self._agents.values())))

    @property
    def all(self) -> list[Agent]:
        """The newest valid version of each agent."""
        return list(self._agents.values())

    def for_number(self, number: str) -> Agent:
        """Return the agent that answers a phone number: the default one if none lists it."""
        # A caller must not get silence because an operator forgot to list a number.
        return next((one for one in self._agents.values() if number in one.file.numbers), self.default)

    def for_page(self, path: str) -> Agent:
        """Return the agent of a page.

        Raises:
            UnknownAgent: there is none.
        """
        if path == "/":
            return self.default
        found = next((one for one in self._agents.values() if path in (one.path, f"/a/{one.id}")), None)
        if found is None:
            raise UnknownAgent("agent")
        return found

    def named(self, name: str) -> Agent:
        """Return an agent by the name of its folder; the default one for an empty name.

        Raises:
            UnknownAgent: there is none.
        """
        if not name:
            return self.default
        if name not in self._agents:
            raise UnknownAgent("agent")
        return self._agents[name]

    def knows(self, name: str) -> bool:
        """Return whether an agent has this folder name, or had when a conversation in progress began."""
        return name in self._agents or any(name == known for known, _ in self._versions)

    def resumed(self, name: str, version: str) -> Agent:
        """Return the agent of a conversation that began before: its version if it is known, else its newest one."""
        return self._versions.get((name, version)) or self._agents.get(name) or self.default

    async def refreshed(self) -> "AgentCatalogue":
        """Take in edits of the folders, at most one refresh at a time; never raises, bounded."""
        if self._root is None or self._context is None:
            return self
        # Nearly always: a call pays for looking at some dozens of known paths, not for listing folders.
        if self._seen and all(_state(path) == state for path, state in self._seen.items()):
            return self
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh(self._root, self._context), name="agents")
        # Kept here: while this call waits, another one may begin the next refresh.
        refreshing = self._refreshing
        # Shielded: a caller who hangs up must not cancel the refresh for others.
        done, _ = await asyncio.wait({refreshing}, timeout=_OPEN_SECONDS)
        if done and (error := refreshing.exception()) is not None:
            log.error("agents_not_refreshed", error=type(error).__name__)
        return self

    async def _refresh(self, root: Path, context: FolderContext) -> None:
        # Before anything is read: what changes meanwhile differs from this at the next conversation.
        seen = _look(root)
        found = {each.name: each for each in folders(root)}
        stamps = {name: stamp(each) for name, each in found.items()}
        changed = [name for name, each in stamps.items() if self._stamps.get(name) != each]
        gone = [name for name in self._agents if name not in found]
        self._seen = seen
        if not changed and not gone:
            return
        self._stamps = stamps
        # A copy: until all checks have passed, conversations begin with what there was.
        agents = {name: agent for name, agent in self._agents.items() if name not in gone}
        for name in changed:
            self.problems.pop(name, None)
            try:
                agent = await asyncio.to_thread(folder.read, found[name], context)
                await self._open(agent)
                _check([*(each for each in agents.values() if each.id != name), agent])
            except ConfigurationError as error:
                # Its last valid version stays; an agent that never was valid stays out.
                self.problems[name] = error.reason
                _report("agent_not_updated" if name in agents else "agent_disabled", error, agent=name)
                continue
            agents[name] = self._servers.start(agent, self._agents.get(name)) if self._running else agent
            log.info("agent_updated", agent=name, version=agent.version)
        try:
            _check(list(agents.values()))
        except ConfigurationError as error:
            _report("agents_not_updated", error)
            return
        # A catalogue may have changed while the folders were read.
        agents = {name: each.with_current_tools() if each.servers else each for name, each in agents.items()}
        self._agents = agents
        self._versions |= {(one.id, one.version): one for one in agents.values()}
        await self._prune(root)

    async def _prune(self, root: Path) -> None:
        """Forget versions that no conversation uses."""
        # Not by identity: one version can be several objects, because of an undone edit or a server's new catalogue.
        kept = {(agent.id, agent.version) for agent in (*self._agents.values(), *self.in_use())}
        for key, agent in list(self._versions.items())[:-_VERSIONS]:
            if key not in kept:
                del self._versions[key]
                await self._servers.forget(*key)
                if (opened := self._resources.pop(key, None)) is not None:
                    await opened.close()
                agent_code.unload(root / agent.id, agent.version)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["AgentCatalogue"]:
        """Hold what the agents' tools share while the block runs.

        Raises:
            ConfigurationError: the default agent's resources cannot be opened. Another agent is disabled instead.
        """
        self._running = True
        default = self.default
        for agent in list(self._agents.values()):
            try:
                await self._open(agent)
            except ConfigurationError as error:
                if agent is default:
                    raise
                del self._agents[agent.id]
                self.problems[agent.id] = error.reason
                _report("agent_disabled", error, agent=agent.id)
        await self._servers.meet(self._agents.values())
        try:
            yield self
        finally:
            self._running = False
            await asyncio.gather(*(opened.close() for opened in self._resources.values()), self._servers.close())

    def _retool(self, agent: Agent) -> None:
        """Use a server's new catalogue from the next conversation; the others keep their tools."""
        key = (agent.id, agent.version)
        now = agent.with_current_tools()
        if key in self._versions:
            self._versions[key] = now
        current = self._agents.get(agent.id)
        # An older version of the folder may still be connected; it must not replace a newer one.
        if current is not None and current.version == agent.version:
            self._agents[agent.id] = now

    async def _open(self, agent: Agent) -> None:
        if agent.resources is None or not self._running:
            return
        # An edit that is undone has the same version again, in another object: both use what is open.
        if (known := self._resources.get((agent.id, agent.version))) is not None:
            agent.resources.surroundings.resources = known.value
            return
        opened = _Opened(agent)
        await opened.open()
        self._resources[agent.id, agent.version] = opened


class _Opened:
    """The resources of one version, in a task of their own: what a task opens, the same task must close."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self.value: Any = None
        self._done = asyncio.Event()
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._hold(), name=f"resources-{agent.id}")

    async def open(self) -> None:
        """Wait until they are open.

        Raises:
            ConfigurationError: they cannot be opened, or not in time.
        """
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                await asyncio.shield(self._ready)
        # The code is the agent's own, so any error may come.
        except Exception as error:
            self._task.cancel()
            why = "takes too long" if isinstance(error, TimeoutError) else f"{type(error).__name__}: {error}"
            raise ConfigurationError(f"agents/{self._agent.id}/tools.py: resources: {why}") from error

    async def _hold(self) -> None:
        resources = self._agent.resources
        try:
            manager: AbstractAsyncContextManager[Any] = resources.open(resources.surroundings.settings)
            async with manager as value:
                resources.surroundings.resources = self.value = value
                self._ready.set_result(None)
                await self._done.wait()
        except Exception as error:  # noqa: BLE001 - see above
            if self._ready.done():
                log.warning("agent_resources_failed", agent=self._agent.id, error=type(error).__name__)
            else:
                self._ready.set_exception(error)

    async def close(self) -> None:
        """Close them; bounded, never raises."""
        self._done.set()
        await asyncio.wait({self._task}, timeout=_CLOSE_SECONDS)
        self._task.cancel()


def _look(root: Path) -> dict[str, State]:
    """Return what is seen of a folder's agents: their folders, which show additions, and their files."""
    places = [root, *folders(root)]
    places += [each for place in places[1:] for each in place.iterdir() if each.is_dir() and each.name[0] not in "._"]
    files = [file for place in folders(root) for file in folder.files_of(place)]
    return {str(path): _state(str(path)) for path in (*places, *files)}


def _state(path: str) -> State:
    try:
        known = os.stat(path)  # noqa: PTH116 - a `Path` takes longer to make than this takes
    except OSError:
        return (0, 0)
    return (known.st_mtime_ns, known.st_size)


def folders(root: Path) -> list[Path]:
    """Return the folders of agents, by name; those that begin with ``_`` or ``.`` are none."""
    try:
        found = [each for each in root.iterdir() if each.is_dir() and not each.name.startswith(("_", "."))]
    except OSError:
        raise ConfigurationError(f"AGENTS_DIR: {root} is no folder") from None
    return sorted(each for each in found if (each / "agent.yaml").is_file())[:_MAX_AGENTS]


def stamp(path: Path) -> Stamp:
    """Return what tells whether a folder has changed."""
    found = []
    for file in folder.files_of(path):
        state = file.stat()
        found.append((str(file), state.st_size, state.st_mtime_ns))
    return tuple(found)


def _report(event: str, error: ConfigurationError, **fields: str) -> None:
    # One line with file and place says more than our stack.
    log.error(event, problem=error.reason, **fields)


def _check(agents: list[Agent]) -> None:
    """Refuse agents among which a call could not choose."""
    taken: dict[str, str] = {}
    for agent in agents:
        for name in (*agent.file.numbers, agent.path):
            if (other := taken.setdefault(name, agent.id)) != agent.id:
                what = "page" if name.startswith("/") else "number"
                where = f"agents/{agent.id}/agent.yaml"
                raise ConfigurationError(f"{where}: agents/{other} has the {what} {name} too; remove one of them")
    if len(agents) > 1 and "/" not in taken:
        raise ConfigurationError('agents: no agent has "page: {path: /}", so that no agent is the default')
