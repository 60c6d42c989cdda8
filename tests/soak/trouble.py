"""Faults that a soak causes: on a media stream, in the model, in the weather service."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from standins.nova.faults import ModelFault
from standins.twilio.impairments import Trouble as BadNetwork
from standins.weather.faults import WeatherFault
from standins.weather.server import WeatherStandin
from tests.support.caller import Caller
from tests.support.fleet import Fleet

_ODDITIES = ("unknown_event", "bad_json", "odd_audio", "empty_audio")
_LATEST = 4.0
"""Latest second of a conversation at which a fault occurs; most conversations last that long."""
_STREAM_SECONDS = 5.0
"""Seconds that a fault on a media stream waits for the stream to open."""

type Strike = Callable[[Caller], Awaitable[None]]


def _breaks(how: Any) -> Strike:  # noqa: ANN401 - the stand-in's own literal
    async def strike(caller: Caller) -> None:
        assert caller.call.stream is not None
        caller.call.stream.break_off(how)

    return strike


async def _garbage(caller: Caller) -> None:
    for text in ("{", "[]", '{"event": "media", "media": null}', '{"event": "nothing"}', "\ud7ff" * 20):
        caller.send_raw(text)


async def _keys(caller: Caller) -> None:
    caller.call.press("123456789" * 10)


async def _lost_sound(caller: Caller) -> None:
    for number in ("900", "901", "901", "7"):
        caller.send_raw(
            '{"event":"media","sequenceNumber":"%s","streamSid":"MZ0","media":{"track":"inbound","chunk":"%s",'  # noqa: UP031 - braces
            '"timestamp":"1","payload":"////"}}' % (number, number)
        )


async def _bad_network(caller: Caller) -> None:
    assert caller.call.stream is not None
    caller.call.stream.trouble = BadNetwork(lost=0.02, doubled=0.02, swapped=0.05, burst=10)


LINE: dict[str, Strike] = {
    "line_reset": _breaks("rst"),
    "line_closed": _breaks("fin"),
    "line_stalled": _breaks("stall"),
    "malformed_messages": _garbage,
    "storm_of_keys": _keys,
    "sound_of_another_stream": _lost_sound,
    "bad_network": _bad_network,
}
"""On the media stream of one caller, who is known."""
MODEL: dict[str, Callable[[], ModelFault]] = {
    "stream_closed": lambda: ModelFault(on="session", action="close", after_ms=_when()),
    "stream_reset": lambda: ModelFault(on="session", action="rst", code=2, after_ms=_when()),
    "connection_cut": lambda: ModelFault(on="session", action="disconnect", after_ms=_when()),
    "model_error": lambda: ModelFault(on="session", error="modelStreamErrorException", after_ms=_when()),
    "server_error": lambda: ModelFault(on="session", error="internalServerException", after_ms=_when()),
    "final_error": lambda: ModelFault(on="session", error="accessDeniedException", after_ms=_when()),
    "instability": lambda: ModelFault(
        on="session",
        error="validationException",
        message="System instability detected. Please retry your request.",
        after_ms=_when(),
    ),
    "odd_event": lambda: ModelFault(on="session", action=random.choice(_ODDITIES), after_ms=_when()),  # type: ignore[arg-type]  # noqa: S311
    "frozen": lambda: ModelFault(on="answer", action="freeze"),
    "flood": lambda: ModelFault(on="answer", action="flood", seconds=20, speed=10),
    "throttled": lambda: ModelFault(on="open", error="ThrottlingException"),
    "slow_to_open": lambda: ModelFault(on="open", delay_ms=random.uniform(500, 2500)),  # noqa: S311 - chance is the point
    "slow_to_answer": lambda: ModelFault(on="answer", delay_ms=random.uniform(500, 3000)),  # noqa: S311 - as above
}
"""In the next stream that opens, of any caller."""
WEATHER: dict[str, Callable[[], WeatherFault]] = {
    "weather_error": lambda: WeatherFault(action="status", status=random.choice((429, 500, 503))),  # noqa: S311 - as above
    "weather_late": lambda: WeatherFault(after_ms=random.choice((1_000, 30_000))),  # noqa: S311 - as above
    "weather_nonsense": lambda: WeatherFault(
        action=random.choice(("html", "large", "truncated", "empty", "nan", "wrong_types", "injection", "redirect"))  # noqa: S311
    ),
}
"""In the next answer of the weather service. The call that asked for it must still end well."""


def _when() -> float:
    return random.uniform(0, _LATEST * 1000)  # noqa: S311 - chance is the point


class Journal(logging.Handler):
    """Reads in the journal of the model's stand-in which faults occurred, and in which sessions."""

    def __init__(self) -> None:
        super().__init__()
        self.sessions: set[str] = set()
        """Sessions with a fault.

        A fault before a stream is open hits a request of an unknown call, so every call must end well.
        """
        self.struck: Counter[str] = Counter()
        self._names: dict[tuple[object, ...], str] = {}

    def call(self, fault: ModelFault, name: str) -> None:
        """Return the soak's name of a fault."""
        self._names[fault.on, fault.action, fault.error] = name

    def emit(self, record: logging.LogRecord) -> None:
        """Record a line."""
        if record.getMessage() != "fault_struck":
            return
        fields: dict[str, Any] = getattr(record, "fields", {})
        self.struck[self._names.get((fields["on"], fields["action"], fields["error"]), "unknown")] += 1
        if "session_id" in fields:
            self.sessions.add(str(fields["session_id"]))


@dataclass
class Trouble:
    """Chooses the calls that get a fault, and knows afterwards which ones had one.

    Args:
        fleet: All that runs.
        weather: What the tools ask.
        share: Of calls that get a fault.
    """

    fleet: Fleet
    weather: WeatherStandin
    share: float
    chosen: int = 0
    """Calls for which a fault was set up at the beginning."""
    touched: set[str] = field(default_factory=set)
    """Calls whose fault is known by the call."""
    _on_lines: Counter[str] = field(default_factory=Counter)
    _elsewhere: list[tuple[str, WeatherFault]] = field(default_factory=list)
    _journal: Journal = field(default_factory=Journal)

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Read from the stand-in's log which streams had a fault, and keep that log out of the output."""
        log = logging.getLogger("standins.nova")
        before = log.level, log.propagate
        log.addHandler(self._journal)
        log.setLevel(logging.INFO)
        log.propagate = False
        try:
            yield
        finally:
            log.removeHandler(self._journal)
            log.setLevel(before[0])
            log.propagate = before[1]

    def choose(self, caller: Caller) -> str | None:
        """Decide for a call that begins.

        Returns:
            A name of `LINE`, to `strike` the caller with; or nothing, with a fault set up elsewhere or not at all.
        """
        if random.random() >= self.share:  # noqa: S311 - chance is the point
            return None
        self.chosen += 1
        self.touched.add(caller.sid)
        name = random.choice([*LINE, *MODEL, *WEATHER])  # noqa: S311 - as above
        if name in LINE:
            return name
        if name in MODEL:
            fault = MODEL[name]()
            self._journal.call(fault, name)
            self.fleet.nova.faults.add(fault)
        else:
            self._elsewhere.append((name, spoilt := WEATHER[name]()))
            self.weather.fail(spoilt)
        return None

    async def strike(self, name: str, caller: Caller) -> None:
        """Cause a fault on the media stream during the conversation.

        Raises:
            TimeoutError: the call never had a media stream.
        """
        await caller.until("stream_started", _STREAM_SECONDS)
        await asyncio.sleep(_when() / 1000)
        await LINE[name](caller)
        self._on_lines[name] += 1

    @property
    def struck(self) -> Counter[str]:
        """How often each fault did occur, not only was set up."""
        elsewhere = Counter(name for name, fault in self._elsewhere if fault.times == 0)
        return self._on_lines + self._journal.struck + elsewhere

    def calls_of(self, lines: Iterable[dict[str, Any]]) -> set[str]:
        """Return the calls whose stream had a fault, by the streams in the services' logs."""
        return {str(line["call_sid"]) for line in lines if line["model_session_id"] in self._journal.sessions}
