"""Detects speech and silence on a call, to measure when a party started and stopped speaking."""

from dataclasses import dataclass
from typing import Final

from standins.twilio import mulaw

_PAUSE_FRAMES: Final = 20
"""A gap this long (400 ms) ends a talkspurt; gaps between words are shorter."""


@dataclass(frozen=True)
class Began:
    """Audio starts with this frame."""

    frame: int


@dataclass(frozen=True)
class SilenceNoticed:
    """Audio ended before this frame; detected after the pause that confirms it."""

    frame: int
    frames: int


class Talkspurts:
    """Tracks one direction of a call, 20 ms at a time."""

    def __init__(self) -> None:
        self._began: int | None = None
        self._last = 0

    def hear(self, frame: int, mulaw_frame: bytes | None) -> Began | SilenceNoticed | None:
        """Process one frame, None for silence; return a start or an end if it is detected."""
        if mulaw_frame is not None and mulaw.is_audible(mulaw_frame):
            self._last = frame
            if self._began is None:
                self._began = frame
                return Began(frame)
            return None
        # A shorter gap belongs to the same talkspurt.
        if self._began is None or frame - self._last < _PAUSE_FRAMES:
            return None
        return self.close()

    def close(self) -> SilenceNoticed | None:
        """End the current talkspurt, if there is one, at its last audible frame."""
        if self._began is None:
            return None
        ended = SilenceNoticed(self._last + 1, self._last + 1 - self._began)
        self._began = None
        return ended
