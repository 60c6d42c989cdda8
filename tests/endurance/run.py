"""Run visitors who talk, and an abuser who comes and goes: the same visitors hear both halves of each minute."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from aiortc import RTCDataChannel, RTCPeerConnection

from standins.nova.server import NovaSettings, NovaStandin
from tests.endurance.report import Report, Slice, gaps
from tests.soak.memory import Memory
from tests.support.score import Score, short_notes
from tests.support.visitor import FRAME, RATE, Microphone, Visitor
from tests.support.web_process import WebProcess, web_process

SLICE_SECONDS = 30.0
WARM_UP_SECONDS = 420.0
"""Seconds until the service reaches its size: it grows from 143 to 153 MB in seven minutes, and not in the next 26."""
"""Seconds that the abuser stays, and stays away: both halves run on the same machine."""
SETTLE_SECONDS = 5.0
"""Seconds left out at each change, while the abuser starts and its last requests end."""
PAUSE_SECONDS = 6.0
_TICK = 0.02
_STALL_SECONDS = 0.1
_LOST_SECONDS = 5.0
_START_SECONDS = 60.0
"""Seconds for the abuser to start."""
_LEFT_SECONDS = 30.0
_ROOM = 4
"""Slots besides those of the visitors, so that the abuser finds one."""


def _encoded(samples: np.ndarray) -> list[bytes]:
    """Encode audio, mono at 48 kHz, as packets of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.rate, encoder.layout, encoder.format = RATE, "mono", "s16"
    encoder.options = {"frame_duration": "20"}
    packets = []
    for start in range(0, len(samples), FRAME):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + FRAME], layout="mono")
        frame.sample_rate, frame.pts = RATE, start
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


class EncodedMicrophone(Microphone):
    """The same audio, encoded once for all visitors: ten encoders would compete with the service for the processor."""

    _LOUD = _encoded(np.random.default_rng(7).integers(-12_000, 12_000, FRAME * 25).astype(np.int16))
    _QUIET = _encoded(np.zeros(FRAME * 25, np.int16))

    async def recv(self) -> "av.Packet[Any]":  # type: ignore[override]  # aiortc sends encoded packets unchanged
        """Return the packet of 20 ms when it is due."""
        now = time.monotonic()
        self._began = self._began or now
        await asyncio.sleep(self._began + self._frames * 0.02 - now)
        packets = self._LOUD if self.loud_frames > 0 else self._QUIET
        self.loud_frames = max(0, self.loud_frames - 1)
        packet = av.Packet(packets[self._frames % len(packets)])
        packet.pts, packet.time_base = self._frames * FRAME, Fraction(1, RATE)
        self._frames += 1
        return packet


class Listener(Visitor):
    """A visitor who records when audio packets arrive and decodes none: decoding would cost as much as the service."""

    def __init__(self, url: str) -> None:
        self.arrivals: list[float] = []
        super().__init__(url)

    def _prepare(self, peer: RTCPeerConnection) -> RTCDataChannel:
        self.microphone = EncodedMicrophone()
        channel = super()._prepare(peer)
        receiver: Any = peer.getTransceivers()[0].receiver
        receiver._handle_rtp_packet = self._note
        return channel

    async def _note(self, _packet: object, *, arrival_time_ms: int) -> None:  # noqa: ARG002 - aiortc's name
        self.arrivals.append(time.monotonic())

    def hears(self) -> bool:
        """Return whether audio still arrives."""
        return bool(self.arrivals) and time.monotonic() - self.arrivals[-1] < _LOST_SECONDS

    async def talk(self, after: float) -> None:
        """Ask something now and then; each visitor starts at another moment."""
        await asyncio.sleep(after)
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            self.speak()


@dataclass
class Watch:
    """What is recorded during the run."""

    memory: Memory
    slices: list[Slice] = field(default_factory=list)
    stalls: list[tuple[float, float]] = field(default_factory=list)

    async def follow(self) -> None:
        """Record when this process stands still, and the service's memory."""
        last, looked = time.monotonic(), 0.0
        while True:
            await asyncio.sleep(_TICK)
            now = time.monotonic()
            if now - last > _STALL_SECONDS:
                self.stalls.append((last, now))
            if now - looked > 2:
                self.memory.sample(now)
                looked = now
            last = now


async def endure(minutes: float, visitors: int, folder: Path, say: Callable[[str], None]) -> Report:
    """Run the service, let visitors talk with and without the abuser, and compare."""
    score = Score()
    score.plan = short_notes
    settings = {
        "MAX_SESSIONS": str(visitors + _ROOM),
        "RATE_LIMIT_STARTS_PER_MINUTE_PER_ADDRESS": "100",
        "METRICS_INTERVAL_SECONDS": "1",
    }
    settings |= {
        "ARRIVALS_PER_ADDRESS": "4",
        "IDLE_PROMPT_SECONDS": "0",
        "RATE_LIMIT_STARTS_PER_MINUTE": "100",
        "MAX_CALL_SECONDS": "7200",
    }
    async with (
        NovaStandin(NovaSettings(certificates=folder), score.backend()) as nova,
        web_process(nova, folder / "web.jsonl", settings) as web,
    ):
        watch = Watch(Memory("web", web.process.pid))
        async with AsyncExitStack() as stack:
            people = await _people(stack, web, visitors)
            tasks = [asyncio.create_task(watch.follow()), *_talking(people)]
            await _slices(minutes, web, watch, say)
            for task in tasks:
                task.cancel()
            unbalanced = ["a visitor lost the agent" for one in people if not one.hears()]
        answers = sum(len(one.of("bot-stopped-speaking")) for one in people)
        unbalanced += await _left(web)
        return _report(web, watch, people, unbalanced, answers)


def _talking(people: list[Listener]) -> list[asyncio.Task[None]]:
    step = PAUSE_SECONDS / len(people)
    return [asyncio.create_task(one.talk(number * step)) for number, one in enumerate(people)]


async def _people(stack: AsyncExitStack, web: WebProcess, count: int) -> list[Listener]:
    people = []
    for _ in range(count):
        one = await stack.enter_async_context(Listener(web.url))
        await one.connect()
        people.append(one)
    return people


async def _slices(minutes: float, web: WebProcess, watch: Watch, say: Callable[[str], None]) -> None:
    """Let time pass, every second slice with the abuser."""
    await asyncio.sleep(SETTLE_SECONDS)
    for number in range(max(2, round(minutes * 60 / SLICE_SECONDS))):
        abused = number % 2 == 1
        async with _abuser(web.url) if abused else _nobody():
            await asyncio.sleep(SETTLE_SECONDS)
            begin = time.monotonic()
            await asyncio.sleep(SLICE_SECONDS - SETTLE_SECONDS)
            watch.slices.append(Slice(begin, time.monotonic(), abused))
        say(f"{(number + 1) * SLICE_SECONDS / 60:5.1f} min   {'next to the abuser' if abused else 'without'}")


@asynccontextmanager
async def _nobody() -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def _abuser(url: str) -> AsyncIterator[None]:
    command = ("nice", "-n", "10", sys.executable, "-m", "tests.endurance.abuser", url)  # starting up is not an attack
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(_START_SECONDS):
            await process.stdout.readline()
        yield
        if process.returncode is not None:
            raise RuntimeError("the abuser gave up")
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _left(web: WebProcess) -> list[str]:
    """Wait until the service has noticed that all visitors left; return what it still holds."""
    started = ended = 0
    for _ in range(round(_LEFT_SECONDS)):
        started, ended = len(web.lines("session_started")), len(web.lines("session_ended"))
        if started == ended and await web.sessions() == 0:
            return []
        await asyncio.sleep(1)
    return [f"{started} sessions were started and {ended} ended within {_LEFT_SECONDS:.0f} s"]


def _report(web: WebProcess, watch: Watch, people: list[Listener], unbalanced: list[str], answers: int) -> Report:
    heard: dict[bool, list[float]] = {True: [], False: []}
    for one in people:
        for abused, found in gaps(one.arrivals, watch.stalls, watch.slices).items():
            heard[abused] += found
    lags = _lags(web, watch.slices)
    minutes = {abused: _minutes(watch.slices, abused=abused) for abused in (True, False)}
    sizes = [size for _, size, _ in watch.memory.after(WARM_UP_SECONDS)] or [0.0]
    seconds = [at for at, _, _ in watch.memory.after(WARM_UP_SECONDS)] or [0.0]
    return Report(
        visitors=len(people),
        minutes=minutes,
        gaps=heard,
        lags_ms=lags,
        stalled_seconds=sum(to - since for since, to in watch.stalls),
        memory=(sizes[0], sizes[-1]),
        slope=watch.memory.slope(WARM_UP_SECONDS),
        watched_seconds=seconds[-1] - seconds[0],
        answers=answers,
        ended=dict(Counter(str(line["reason"]) for line in web.lines("session_ended"))),
        unbalanced=[*unbalanced, *(f"defect: {line}" for line in web.lines("request_failed"))],
    )


def _minutes(slices: list[Slice], *, abused: bool) -> float:
    return sum(one.end - one.begin for one in slices if one.abused is abused) / 60


def _lags(web: WebProcess, slices: list[Slice]) -> dict[bool, list[float]]:
    """Sort the service's own figures by slice: its log has the time of day, the slices have the monotonic clock."""
    offset = time.time() - time.monotonic()
    found: dict[bool, list[float]] = {True: [], False: []}
    for line in web.lines("metrics"):
        at = _moment(line) - offset
        worst = max(line.get("EventLoopLag") or [0.0])
        for one in slices:
            if one.begin <= at < one.end:
                found[one.abused].append(worst)
    return found


def _moment(line: dict[str, Any]) -> float:
    return float(line["_aws"]["Timestamp"]) / 1000  # as CloudWatch reads it
