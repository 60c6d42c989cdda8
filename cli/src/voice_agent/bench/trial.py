"""One trial: a newly started agent with a number of calls for a number of seconds."""

import asyncio
import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, Self

import httpx

from standins.twilio.settings import ExchangeSettings
from voice_agent.bench import meter
from voice_agent.bench.caller import Caller, CallFailed
from voice_agent.bench.contender import Contender, NotReady, Running, running
from voice_agent.bench.crossing import CallTimes, Crossing
from voice_agent.bench.meter import Cores, Reading
from voice_agent.bench.model import ScriptedModel
from voice_agent.bench.web_caller import WebCaller

_STREAM_SECONDS: Final = 15.0
"""Longest wait for an agent to open its model stream."""
_WARM_UP_SECONDS: Final = 1.0
_SETTLE_SECONDS: Final = 1.0
"""Delay between the last call's first audio and the start of the measurement."""
_PATIENCE: Final = 2.0
"""Seconds after which a frame or event counts as lost."""
_TWILIO: Final = ExchangeSettings()


@dataclass(frozen=True, slots=True)
class Load:
    """The settings of every trial of a run."""

    calls: int
    seconds: float
    cores: Cores
    folder: Path
    """Holds certificates and the agents' logs."""


@dataclass(slots=True)
class Trial:
    """The result of a trial. Times in seconds, memory in bytes."""

    agent: str
    calls: int
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    harness_cpu: float = 0.0
    """Share of a core that callers and model used; near 1 the trial measures them and not the agent."""
    foreign_cpu: float = 0.0
    """Share that other processes used of the agent's core or of the callers', whichever is more. An agent that has to
    wait handles more per wake-up: its CPU falls and its delays grow."""
    start_cpu: float = 0.0
    """CPU seconds from the start of the process until it is ready: imports, nearly all of it."""
    rss_ready: int = 0
    rss_base: int = 0
    """After one call."""
    rss_full: int = 0
    threads: int = 0
    webhook: list[float] = field(default_factory=list)
    first_audio: list[float] = field(default_factory=list)
    to_model: list[float] = field(default_factory=list)
    from_model: list[float] = field(default_factory=list)
    clear: list[float] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    """Why the trial is invalid; empty if it is valid."""

    @property
    def valid(self) -> bool:
        """Whether every call succeeded."""
        return not self.trouble

    @property
    def cpu_per_call_minute(self) -> float:
        """The agent's CPU seconds for each minute of a call."""
        return self.cpu_seconds * 60 / (self.seconds * self.calls)

    @property
    def core_share(self) -> float:
        """Share of one core that the agent used."""
        return self.cpu_seconds / self.seconds

    @property
    def rss_per_call(self) -> float:
        """Memory that each call adds."""
        return max(0.0, (self.rss_full - self.rss_base) / self.calls)


async def run_trial(contender: Contender, load: Load) -> Trial:
    """Start the agent and the model, make the calls, measure them, and stop everything.

    A failure of the agent does not raise; it makes the trial invalid.
    """
    trial = Trial(contender.name, load.calls)
    log = load.folder / f"{contender.name}.log"
    try:
        async with (
            ScriptedModel(load.folder) as model,
            running(contender, model_url=model.url, roots=model.roots, cores=load.cores, log=log) as agent,
            httpx.AsyncClient(trust_env=False) as client,
        ):
            ready = meter.read(agent.pid)
            trial.start_cpu, trial.rss_ready = ready.cpu_seconds, ready.rss_bytes
            await _Switchboard(agent, model, client, web=contender.web).hold(trial, load)
    except NotReady as error:
        trial.trouble.append(str(error))
    return trial


class Line(Protocol):
    """A caller or a visitor of the benchmark."""

    async def dial(self, client: httpx.AsyncClient) -> None:
        """Connect, and start the audio in both directions.

        Raises:
            CallFailed: the agent did not accept the call.
        """

    async def greeted(self) -> None:
        """Wait for the agent's first audio.

        Raises:
            CallFailed: no audio arrived in time.
        """

    async def hang_up(self) -> None:
        """Leave, within a time limit."""


class _Switchboard:
    """Makes the calls of a trial."""

    def __init__(self, agent: Running, model: ScriptedModel, client: httpx.AsyncClient, *, web: bool) -> None:
        self._agent = agent
        self._model = model
        self._client = client
        self._web = web

    async def hold(self, trial: Trial, load: Load) -> None:
        """Make a warm-up call, then all calls, and fill in the trial."""
        try:
            await self._warm_up(trial)
            callers, times = await self._connect(trial, load.calls)
        except (CallFailed, ProcessLookupError) as error:
            trial.trouble.append(str(error))
            return
        try:
            await asyncio.sleep(_SETTLE_SECONDS)
            await self._measure(trial, load, times)
        except ProcessLookupError as error:
            trial.trouble.append(str(error))
        finally:
            await _hang_up(callers)

    async def _warm_up(self, trial: Trial) -> None:
        # The first call imports modules and opens connection pools; it must not count as memory per call.
        caller, _ = await self._call(seed=0)
        await asyncio.sleep(_WARM_UP_SECONDS)
        await caller.hang_up()
        await asyncio.sleep(_SETTLE_SECONDS)
        trial.rss_base = meter.read(self._agent.pid).rss_bytes

    def _caller(self, seed: int, times: CallTimes) -> Line:
        if self._web:
            return WebCaller(self._agent.base_url, seed, times)
        return Caller(self._agent.base_url, _TWILIO.account_sid, _TWILIO.auth_token, seed, times)

    async def _connect(self, trial: Trial, calls: int) -> tuple[list[Line], list[CallTimes]]:
        """Make the calls one at a time, so that the model can assign each stream to its call."""
        callers: list[Line] = []
        times: list[CallTimes] = []
        try:
            for seed in range(1, calls + 1):
                caller, kept = await self._call(seed)
                callers.append(caller)
                times.append(kept)
        except BaseException:
            # Also on Ctrl-C: the calls that are connected would otherwise keep their tasks.
            await _hang_up(callers)
            raise
        trial.webhook = [kept.webhook for kept in times if kept.webhook is not None]
        trial.first_audio = [kept.first_audio for kept in times if kept.first_audio is not None]
        return callers, times

    async def _call(self, seed: int) -> tuple[Line, CallTimes]:
        times = CallTimes()
        opened = self._model.expect(times, seed)
        caller = self._caller(seed, times)
        try:
            await caller.dial(self._client)
            async with asyncio.timeout(_STREAM_SECONDS):
                await opened
            await caller.greeted()
        except TimeoutError:
            await caller.hang_up()
            raise CallFailed(f"no model stream within {_STREAM_SECONDS:.0f} s") from None
        except BaseException:
            await caller.hang_up()
            raise
        return caller, times

    async def _measure(self, trial: Trial, load: Load, times: Sequence[CallTimes]) -> None:
        gc.collect()
        gc.freeze()  # a garbage collection in this process would count as the agent's delay
        before = _Moment.now(self._agent.pid, load.cores)
        await asyncio.sleep(load.seconds)
        after = _Moment.now(self._agent.pid, load.cores)
        await asyncio.sleep(min(_PATIENCE, load.seconds))  # let frames in transit arrive
        begin, end = before.at, after.at
        _fill(trial, before, after)
        for kept in times:
            trial.to_model += kept.to_model.within(begin, end)
            trial.from_model += kept.from_model.within(begin, end)
            trial.clear += kept.clears.within(begin, end)
            trial.trouble += kept.trouble + _losses(kept, end)
        if self._model.unexpected:
            trial.trouble.append(f"the agent opened {self._model.unexpected} further model streams")


@dataclass(frozen=True, slots=True)
class _Moment:
    """All readings at one moment."""

    at: float
    agent: Reading
    harness: float
    agent_core: float
    other_cores: float

    @classmethod
    def now(cls, pid: int, cores: Cores) -> Self:
        busy = (sum(map(meter.busy_seconds, some)) for some in (cores.agent, cores.others))
        return cls(time.monotonic(), meter.read(pid), time.process_time(), *busy)


def _fill(trial: Trial, before: _Moment, after: _Moment) -> None:
    trial.seconds = after.at - before.at
    trial.cpu_seconds = after.agent.cpu_seconds - before.agent.cpu_seconds
    harness_seconds = after.harness - before.harness
    trial.harness_cpu = harness_seconds / trial.seconds
    # The core's busy time without the process that is pinned to it is the work of other processes.
    foreign = (
        after.agent_core - before.agent_core - trial.cpu_seconds,
        after.other_cores - before.other_cores - harness_seconds,
    )
    trial.foreign_cpu = max(0.0, *foreign) / trial.seconds
    trial.rss_full = after.agent.rss_bytes
    trial.threads = after.agent.threads


def _losses(times: CallTimes, end: float) -> list[str]:
    """Return what was sent and never arrived: a loss breaks the pairing, and so every figure of the call."""
    named: dict[str, Crossing] = {
        "blips": times.to_model,
        "answers": times.from_model,
        "clears": times.clears,
    }
    lost = [f"{count} {name} never arrived" for name, way in named.items() if (count := way.overdue(end, _PATIENCE))]
    strays = [f"{way.strays} {name} too many" for name, way in named.items() if way.strays]
    return lost + strays


async def _hang_up(callers: Sequence[Line]) -> None:
    await asyncio.gather(*(caller.hang_up() for caller in callers))
