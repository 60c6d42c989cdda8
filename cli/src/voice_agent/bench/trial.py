"""One trial: one agent, started anew, with so many calls for so many seconds."""

import asyncio
import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import httpx

from standins.twilio.settings import ExchangeSettings
from voice_agent.bench import meter
from voice_agent.bench.caller import Caller, CallFailed
from voice_agent.bench.contender import Contender, NotReady, Running, running
from voice_agent.bench.crossing import CallTimes, Crossing
from voice_agent.bench.meter import Cores, Reading
from voice_agent.bench.model import ScriptedModel

_STREAM_SECONDS: Final = 15.0
"""Longest wait for an agent to open its model stream."""
_WARM_UP_SECONDS: Final = 1.0
_SETTLE_SECONDS: Final = 1.0
"""From the last call's first sound to the begin of what is measured."""
_PATIENCE: Final = 2.0
"""Seconds after which something that was sent counts as lost."""
_TWILIO: Final = ExchangeSettings()


@dataclass(frozen=True, slots=True)
class Load:
    """What every trial of a run has in common."""

    calls: int
    seconds: float
    cores: Cores
    folder: Path
    """For certificates and the agents' logs."""


@dataclass(slots=True)
class Trial:
    """What came out. Times in seconds, memory in bytes."""

    agent: str
    calls: int
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    harness_cpu: float = 0.0
    """Share of a core that callers and model took: near 1 they are what is measured."""
    foreign_cpu: float = 0.0
    """Share that somebody else took of the agent's core, or of the callers' where that is more. An agent that has to
    wait handles more at once: its CPU falls and its delays grow."""
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
    """Why the trial does not count; empty if it does."""

    @property
    def valid(self) -> bool:
        """Whether every call went as it should."""
        return not self.trouble

    @property
    def cpu_per_call_minute(self) -> float:
        """CPU seconds of the agent for a minute of one call."""
        return self.cpu_seconds * 60 / (self.seconds * self.calls)

    @property
    def core_share(self) -> float:
        """How much of one core the agent took."""
        return self.cpu_seconds / self.seconds

    @property
    def rss_per_call(self) -> float:
        """What a call adds while it lasts."""
        return max(0.0, (self.rss_full - self.rss_base) / self.calls)


async def run_trial(contender: Contender, load: Load) -> Trial:
    """Start the agent and the model, hold the calls, take the readings, stop everything.

    Does not raise for what an agent does wrong: that is the trial's trouble.
    """
    trial = Trial(contender.name, load.calls)
    log = load.folder / f"{contender.name}.log"
    try:
        async with (
            ScriptedModel(load.folder) as model,
            running(contender, model_url=model.url, roots=model.roots, cores=load.cores, log=log) as agent,
            httpx.AsyncClient(trust_env=False) as client,
        ):
            await _Switchboard(agent, model, client).hold(trial, load)
    except NotReady as error:
        trial.trouble.append(str(error))
    return trial


class _Switchboard:
    """Makes the calls of a trial."""

    def __init__(self, agent: Running, model: ScriptedModel, client: httpx.AsyncClient) -> None:
        self._agent = agent
        self._model = model
        self._client = client

    async def hold(self, trial: Trial, load: Load) -> None:
        """Hold one call to warm up, then all; fill in the trial."""
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
        caller, _ = await self._call(seed=0)
        await asyncio.sleep(_WARM_UP_SECONDS)
        await caller.hang_up()
        await asyncio.sleep(_SETTLE_SECONDS)
        trial.rss_base = meter.read(self._agent.pid).rss_bytes

    async def _connect(self, trial: Trial, calls: int) -> tuple[list[Caller], list[CallTimes]]:
        """Make the calls, one at a time: so the model knows whose stream is whose."""
        callers: list[Caller] = []
        times: list[CallTimes] = []
        try:
            for seed in range(1, calls + 1):
                caller, kept = await self._call(seed)
                callers.append(caller)
                times.append(kept)
        except BaseException:
            await _hang_up(callers)
            raise
        trial.webhook = [kept.webhook for kept in times if kept.webhook is not None]
        trial.first_audio = [kept.first_audio for kept in times if kept.first_audio is not None]
        return callers, times

    async def _call(self, seed: int) -> tuple[Caller, CallTimes]:
        times = CallTimes()
        opened = self._model.expect(times, seed)
        caller = Caller(self._agent.base_url, _TWILIO.account_sid, _TWILIO.auth_token, seed, times)
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
        gc.freeze()  # a collection of ours would show as the agent's delay
        before = _Moment.now(self._agent.pid, load.cores)
        await asyncio.sleep(load.seconds)
        after = _Moment.now(self._agent.pid, load.cores)
        await asyncio.sleep(min(_PATIENCE, load.seconds))  # let arrive what was sent
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
    """All readings at one time."""

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
    foreign = (
        after.agent_core - before.agent_core - trial.cpu_seconds,
        after.other_cores - before.other_cores - harness_seconds,
    )
    trial.foreign_cpu = max(0.0, *foreign) / trial.seconds
    trial.rss_full = after.agent.rss_bytes
    trial.threads = after.agent.threads


def _losses(times: CallTimes, end: float) -> list[str]:
    """Name what left within the time and never arrived: then the pairs no longer match, and no figure is worth much."""
    named: dict[str, Crossing] = {
        "blips": times.to_model,
        "answers": times.from_model,
        "clears": times.clears,
    }
    lost = [f"{count} {name} never arrived" for name, way in named.items() if (count := way.overdue(end, _PATIENCE))]
    strays = [f"{way.strays} {name} too many" for name, way in named.items() if way.strays]
    return lost + strays


async def _hang_up(callers: Sequence[Caller]) -> None:
    await asyncio.gather(*(caller.hang_up() for caller in callers))
