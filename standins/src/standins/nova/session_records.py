"""What each session heard, did and said, for tests and for people who wonder."""

import time
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from typing import Any

KEPT = 2000
"""Sessions remembered, unless told otherwise; older ones are forgotten."""


@dataclass(slots=True)
class Words:
    """What a caller said, at a time in unix seconds."""

    text: str
    at: float = field(default_factory=time.time)
    written: bool = False
    """Whether it came as text: what a visitor typed, or what an application asks of the model."""


@dataclass(slots=True)
class Said:
    """What the model really said."""

    text: str
    interrupted: bool
    at: float = field(default_factory=time.time)


@dataclass(slots=True)
class ToolRun:
    """A tool the model asked for."""

    name: str
    tool_use_id: str
    input: dict[str, Any]
    result: dict[str, Any] | None = None
    at: float = field(default_factory=time.time)


@dataclass(slots=True)
class SessionRecord:
    """One stream's story."""

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
    """The caller's, as 16-bit PCM at the input rate, where it is to be kept."""

    def tool(self, tool_use_id: str) -> ToolRun | None:
        """Give a tool run by its identifier."""
        return next((run for run in self.tools if run.tool_use_id == tool_use_id), None)

    def as_json(self) -> dict[str, Any]:
        """Give the record as the control server shows it."""
        shown = asdict(self)
        del shown["sound"]
        return shown


@dataclass(slots=True)
class SessionLedger:
    """All sessions and the counts of the server."""

    connections: int = 0
    streams_opened: int = 0
    streams_open: int = 0
    streams_refused: int = 0
    sessions: OrderedDict[str, SessionRecord] = field(default_factory=OrderedDict)
    kept: int = KEPT

    def open(self, record: SessionRecord) -> None:
        """Begin a session's record."""
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
        """Give the counts."""
        return {
            "connections": self.connections,
            "streams_opened": self.streams_opened,
            "streams_open": self.streams_open,
            "streams_refused": self.streams_refused,
        }
