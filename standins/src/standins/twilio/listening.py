"""Tell speech from silence on a line, well enough to say when somebody began and stopped."""

from dataclasses import dataclass
from typing import Final

from standins.twilio import mulaw

_PAUSE_FRAMES: Final = 20
"""A gap this long (400 ms) ends a spurt; the gaps between words are shorter."""


@dataclass(frozen=True)
class Began:
    """Sound began with this frame."""

    frame: int


@dataclass(frozen=True)
class SilenceNoticed:
    """Sound ended before this frame, noticed after the pause that proves it."""

    frame: int
    frames: int


class Talkspurts:
    """Follow one direction of a line, 20 ms at a time."""

    def __init__(self) -> None:
        self._began: int | None = None
        self._last = 0

    def hear(self, frame: int, mulaw_frame: bytes | None) -> Began | SilenceNoticed | None:
        """Take one frame, None for silence, and return what it decides, if anything."""
        if mulaw_frame is not None and mulaw.is_audible(mulaw_frame):
            self._last = frame
            if self._began is None:
                self._began = frame
                return Began(frame)
            return None
        if self._began is None or frame - self._last < _PAUSE_FRAMES:
            return None
        return self.close()

    def close(self) -> SilenceNoticed | None:
        """End the spurt that is going on, if any, where it was last heard."""
        if self._began is None:
            return None
        ended = SilenceNoticed(self._last + 1, self._last + 1 - self._began)
        self._began = None
        return ended
