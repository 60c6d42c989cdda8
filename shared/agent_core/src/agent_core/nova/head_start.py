"""Insert silence before a reply whose audio arrives in bursts, so that playback does not run dry within a word."""

from agent_core.nova.quirks import Quirks

MAX_SECONDS = 0.25
"""A longer pause would feel like a slow reply. Nova 2 pauses for up to 0.4 s after its first audio (field log)."""
_MARGIN = 0.02


class HeadStart:
    """Learns from gaps within a block of audio how much silence later replies of the process need.

    A model that delivers evenly gets no silence. All times are seconds of one monotonic clock.

    Args:
        quirks: Holds the learned value.
        rate: Hz of the 16-bit mono PCM.
    """

    def __init__(self, quirks: Quirks, rate: int) -> None:
        self._quirks = quirks
        self._rate = rate
        self._first = True
        self._given = 0.0
        self._plays_until = 0.0

    def begin(self) -> None:
        """Start a block of audio."""
        self._first = True

    def before(self, pcm: bytes, now: float, playing: float) -> bytes:
        """Return the silence to play before a piece of audio.

        Args:
            pcm: The piece.
            now: When it arrived.
            playing: Seconds for which earlier audio still plays.
        """
        silence = b""
        if self._first:
            self._first = False
            # Earlier audio that still plays covers the gap, so no silence is needed.
            self._given = 0.0 if playing > 0 else self._quirks.head_start
            silence = bytes(2 * round(self._given * self._rate))
            self._plays_until = now + playing + self._given
        elif now - self._plays_until > _MARGIN:
            # The gap became audible: the next reply starts later by the length of the gap.
            wanted = min(MAX_SECONDS, self._given + now - self._plays_until + _MARGIN)
            self._quirks.head_start = max(self._quirks.head_start, wanted)
        self._plays_until = max(now, self._plays_until) + len(pcm) / 2 / self._rate
        return silence
