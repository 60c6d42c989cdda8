"""What goes wrong on purpose while a soak runs: on a caller's line, in the model, and with a whole task."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from standins.nova.faults import Fault
from tests.support.caller import Caller
from tests.support.fleet import Fleet

_ODDITIES = ("unknown_event", "bad_json", "odd_audio", "empty_audio")
_LATEST = 4.0
"""Seconds into a conversation at which a fault strikes at the latest; most conversations last that long."""

type Strike = Callable[[Caller], Awaitable[None]]


async def _break(caller: Caller, how: Any) -> None:  # noqa: ANN401 - the stand-in's own literal
    if caller.call.stream is not None:
        caller.call.stream.break_off(how)


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


LINE: dict[str, Strike] = {
    "line_reset": lambda caller: _break(caller, "rst"),
    "line_closed": lambda caller: _break(caller, "fin"),
    "line_stalled": lambda caller: _break(caller, "stall"),
    "malformed_messages": _garbage,
    "storm_of_keys": _keys,
    "sound_of_another_stream": _lost_sound,
}
"""On the line of one caller, who is known."""
MODEL: dict[str, Callable[[], Fault]] = {
    "stream_closed": lambda: Fault(on="session", action="close", after_ms=_when()),
    "stream_reset": lambda: Fault(on="session", action="rst", code=2, after_ms=_when()),
    "model_error": lambda: Fault(on="session", error="modelStreamErrorException", after_ms=_when()),
    "instability": lambda: Fault(
        on="session",
        error="validationException",
        message="System instability detected. Please retry your request.",
        after_ms=_when(),
    ),
    "odd_event": lambda: Fault(on="session", action=random.choice(_ODDITIES), after_ms=_when()),  # type: ignore[arg-type]  # noqa: S311
    "throttled": lambda: Fault(on="open", error="ThrottlingException"),
    "slow_to_open": lambda: Fault(on="open", delay_ms=random.uniform(500, 2500)),  # noqa: S311 - chance is the point
    "slow_to_answer": lambda: Fault(on="answer", delay_ms=random.uniform(500, 3000)),  # noqa: S311 - as above
}
"""In the stream of whoever comes next."""


def _when() -> float:
    return random.uniform(0, _LATEST * 1000)  # noqa: S311 - chance is the point


@dataclass
class Trouble:
    """Chooses who gets a fault, and knows afterwards who had one.

    Args:
        fleet: All that runs.
        share: Of calls that get a fault.
    """

    fleet: Fleet
    share: float
    injected: Counter[str] = field(default_factory=Counter)
    struck_sessions: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    """Calls whose fault is known by the call."""
    unplaced: int = 0
    """Faults at the opening of a stream, or of an answer: somebody had them, nobody knows who."""

    def watch(self) -> None:
        """Learn from the stand-in which streams its faults have struck."""
        logging.getLogger("standins.nova").addHandler(_Struck(self.struck_sessions))
        logging.getLogger("standins.nova").setLevel(logging.INFO)
        logging.getLogger("standins.nova").propagate = False

    def choose(self, caller: Caller) -> Strike | None:
        """Decide for a call that begins: a fault on its line to strike later, or one in a stream to come, or none."""
        if random.random() >= self.share:  # noqa: S311 - chance is the point
            return None
        name = random.choice([*LINE, *MODEL])  # noqa: S311 - as above
        self.injected[name] += 1
        self.touched.add(caller.sid)
        if (strike := LINE.get(name)) is not None:
            return strike
        fault = MODEL[name]()
        self.unplaced += fault.on != "session"
        self.fleet.nova.faults.add(fault)
        return None

    async def strike_later(self, strike: Strike, caller: Caller) -> None:
        """Let a fault strike somewhere in the conversation."""
        await asyncio.sleep(_when() / 1000)
        await strike(caller)

    def calls_of(self, lines: list[dict[str, Any]]) -> set[str]:
        """Name the calls whose stream was struck, by what the services said of their streams."""
        return {str(line["call_sid"]) for line in lines if line["model_session_id"] in self.struck_sessions}


class _Struck(logging.Handler):
    def __init__(self, sessions: set[str]) -> None:
        super().__init__()
        self._sessions = sessions

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() == "fault_struck":
            self._sessions.add(str(getattr(record, "fields", {})["session_id"]))
