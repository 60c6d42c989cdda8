"""Silence before an answer whose audio comes in bursts, so that the player does not run dry in the middle of a word."""

from agent_core.nova.quirks import Quirks

MAX_SECONDS = 0.25
"""More would be heard as a slow answer. Nova 2 pauses for up to 0.4 s once it has sent some audio (field log)."""
_MARGIN = 0.02


class HeadStart:
    """Learns from gaps inside a block of audio how much silence the next answers of the process need first.

    A model that delivers evenly costs nothing. All times in seconds of one monotonic clock.

    Args:
        quirks: Holds what was learned.
        rate: Hz of 16-bit mono PCM.
    """

    def __init__(self, quirks: Quirks, rate: int) -> None:
        self._quirks = quirks
        self._rate = rate
        self._first = True
        self._given = 0.0
        self._plays_until = 0.0

    def begin(self) -> None:
        """Begin a block of audio."""
        self._first = True

    def before(self, pcm: bytes, now: float, playing: float) -> bytes:
        """Return the silence to play before a piece of audio.

        Args:
            pcm: The piece.
            now: When it came.
            playing: How long the audio before it still lasts.
        """
        silence = b""
        if self._first:
            self._first = False
            self._given = 0.0 if playing > 0 else self._quirks.head_start
            silence = bytes(2 * round(self._given * self._rate))
            self._plays_until = now + playing + self._given
        elif now - self._plays_until > _MARGIN:
            wanted = min(MAX_SECONDS, self._given + now - self._plays_until + _MARGIN)
            self._quirks.head_start = max(self._quirks.head_start, wanted)
        self._plays_until = max(now, self._plays_until) + len(pcm) / 2 / self._rate
        return silence
