"""Enforce the rules of one media stream: which message may arrive when, and how many bad ones are tolerated.

An unauthenticated peer gets no second chance: before ``start`` every violation closes the socket. After it a broken
message is dropped and counted and the call continues, until too many arrive.
"""

import time
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Final

from phone_agent.media_stream import (
    CallerMedia,
    Connected,
    Dtmf,
    Inbound,
    MarkReturned,
    StreamStarted,
    StreamStopped,
    UnknownStreamEvent,
)

_FARTHEST_JUMP: Final = 1500
"""Pieces of audio (30 s) that may be missing at once, in addition to those that the timestamp explains: a call may be
muted for minutes. A number further ahead is invalid; accepting it would make every later piece look old.
"""
_PIECE_MS: Final = 20
_LONGEST_CALL_MS: Final = 4 * 3600 * 1000


class GuardDecision(Enum):
    """What to do with a message."""

    ACCEPT = "accept"
    DROP = "drop"
    CLOSE = "close"


class StreamGuard:
    """Judges the messages of one socket in order of arrival.

    Args:
        bad_limit: How many bad messages within the window close the socket. Twilio sends none. A sender that gets each
            kind of message wrong once loses nothing; one that sends only bad ones is closed after two seconds.
        bad_window: Seconds.
        malformed_in_a_row: How many unreadable texts without audio between them close it at once: a real call has audio
            in between, because Twilio sends it fifty times a second.
        clock: Monotonic seconds; read for bad messages only.

    Attributes:
        missing: Pieces of audio that never arrived, or arrived too late.
        stream_sid: Name of the stream, from ``start`` on.
    """

    def __init__(
        self,
        *,
        bad_limit: int = 100,
        bad_window: float = 10.0,
        malformed_in_a_row: int = 20,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.missing = 0
        self.stream_sid: str | None = None
        self._bad: deque[float] = deque(maxlen=bad_limit)
        self._window = bad_window
        self._in_a_row = 0
        self._most_in_a_row = malformed_in_a_row
        self._clock = clock
        self._connected = False
        self._stopped = False
        self._sequence = 0
        self._chunk = 0
        self._timestamp = 0

    def accept(self, message: Inbound) -> GuardDecision:
        """Return the verdict on a message that `decode` parsed."""
        if self.stream_sid is None:
            return self._before_start(message)
        # First, because nearly all messages are audio.
        if isinstance(message, CallerMedia):
            return self._media(message)
        return self._after_start(message)

    def malformed(self) -> GuardDecision:
        """Return the decision on a text that `decode` rejected."""
        self._in_a_row += 1
        hopeless = self.stream_sid is None or self._in_a_row >= self._most_in_a_row
        return GuardDecision.CLOSE if hopeless else self._strike()

    def _before_start(self, message: Inbound) -> GuardDecision:
        match message:
            case Connected() if not self._connected:
                self._connected = True
                return GuardDecision.ACCEPT
            case StreamStarted() if _is_ours(message):
                self.stream_sid = message.stream_sid
                return GuardDecision.ACCEPT
            case UnknownStreamEvent():
                return self._strike()
            case _:
                return GuardDecision.CLOSE

    def _after_start(
        self, message: Connected | StreamStarted | Dtmf | MarkReturned | StreamStopped | UnknownStreamEvent
    ) -> GuardDecision:
        match message:
            case UnknownStreamEvent():
                return GuardDecision.DROP
            case Connected() | StreamStarted():
                return self._strike()
            case _ if message.stream_sid != self.stream_sid:
                return self._strike()
            case _ if self._stopped:
                return GuardDecision.DROP
            case StreamStopped():
                self._stopped = True
        return GuardDecision.ACCEPT

    def _media(self, message: CallerMedia) -> GuardDecision:
        """Accept audio that is newer than all before: late audio would be heard in the wrong place."""
        if message.stream_sid != self.stream_sid:
            return self._strike()
        ahead = message.chunk - self._chunk
        if ahead > _FARTHEST_JUMP + self._room(message.timestamp_ms):
            return self._strike()
        if ahead <= 0 or message.sequence <= self._sequence:
            return GuardDecision.DROP
        if self._stopped:
            return GuardDecision.DROP
        self.missing += ahead - 1
        self._chunk, self._sequence, self._timestamp = message.chunk, message.sequence, message.timestamp_ms
        self._in_a_row = 0
        return GuardDecision.ACCEPT

    def _room(self, timestamp_ms: int) -> int:
        """Return how many pieces fit between the last one and a timestamp; none if no call lasts that long."""
        return max(0, timestamp_ms - self._timestamp) // _PIECE_MS if timestamp_ms <= _LONGEST_CALL_MS else 0

    def _strike(self) -> GuardDecision:
        """Count a bad message; close when the window is full of them."""
        now = self._clock()
        self._bad.append(now)
        full = len(self._bad) == self._bad.maxlen and now - self._bad[0] <= self._window
        return GuardDecision.CLOSE if full else GuardDecision.DROP


def _is_ours(start: StreamStarted) -> bool:
    """Return whether the stream has the supported format: the caller's audio, µ-law at 8 kHz, one channel."""
    sound = (start.encoding, start.sample_rate, start.channels)
    return sound == ("audio/x-mulaw", 8000, 1) and "inbound" in start.tracks
