"""Records what each session heard, did and said, for tests and for debugging."""

import time
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from typing import Any

KEPT = 2000
"""Default number of sessions to keep; older ones are dropped."""


@dataclass(slots=True)
class Words:
    """What a caller said, with its time in unix seconds."""

    text: str
    at: float = field(default_factory=time.time)
    written: bool = False
    """Whether it came as text: typed by a user, or an instruction of the application."""


@dataclass(slots=True)
class Said:
    """What the model said, as far as it was played."""

    text: str
    interrupted: bool
    at: float = field(default_factory=time.time)


@dataclass(slots=True)
class ToolRun:
    """A tool that the model requested."""

    name: str
    tool_use_id: str
    input: dict[str, Any]
    result: dict[str, Any] | None = None
    at: float = field(default_factory=time.time)


@dataclass(slots=True)
class SessionRecord:
    """The record of one stream."""

    session_id: str
    request_id: str
    model_id: str
    access_key_id: str
    opened_at: float = field(default_factory=time.time)
    ended_at: float | None = None
    end_reason: str | None = None
    input_rate: int | None = None
    output_rate: int | None = None
    system: str = ""
    history: list[tuple[str, str]] = field(default_factory=list)
    heard: list[Words] = field(default_factory=list)
    tools: list[ToolRun] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    interruptions: int = 0
    audio_seconds_in: float = 0.0
    audio_seconds_out: float = 0.0
    usage: dict[str, Any] = field(default_factory=dict)
    sound: bytearray | None = None
    """The caller's audio as 16-bit PCM at the input rate, if it is to be kept."""

    def tool(self, tool_use_id: str) -> ToolRun | None:
        """Return a tool run by its ID."""
        return next((run for run in self.tools if run.tool_use_id == tool_use_id), None)

    def as_json(self) -> dict[str, Any]:
        """Return the record as the control API shows it."""
        shown = asdict(self)
        del shown["sound"]
        return shown


@dataclass(slots=True)
class SessionLedger:
    """All sessions, and the counters of the server."""

    connections: int = 0
    streams_opened: int = 0
    streams_open: int = 0
    streams_refused: int = 0
    sessions: OrderedDict[str, SessionRecord] = field(default_factory=OrderedDict)
    kept: int = KEPT

    def open(self, record: SessionRecord) -> None:
        """Add a session's record."""
        self.streams_opened += 1
        self.streams_open += 1
        self.sessions[record.session_id] = record
        while len(self.sessions) > self.kept:
            self.sessions.popitem(last=False)

    def close(self, record: SessionRecord, reason: str) -> None:
        """End a session's record, once."""
        if record.ended_at is None:
            record.ended_at, record.end_reason = time.time(), reason
            self.streams_open -= 1

    def stats(self) -> dict[str, int]:
        """Return the counters."""
        return {
            "connections": self.connections,
            "streams_opened": self.streams_opened,
            "streams_open": self.streams_open,
            "streams_refused": self.streams_refused,
        }
