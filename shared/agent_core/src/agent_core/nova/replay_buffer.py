"""The last seconds of the caller, and whether they are speaking. No I/O.

Turns are the model's to decide. Loudness is only asked when the model cannot: whether this moment is quiet enough to
change streams, and what the next stream must be given so that a sentence is not torn.
"""

from collections import deque

KEPT_SECONDS = 3.0
"""Most of a caller's sentence that a second stream hears again."""
LOUD = 800
"""Amplitude (of 32768, -32 dBFS) of a voice near a telephone; a quiet line stays below 500."""
_PAUSE_MS = 700
"""Quiet between words is shorter."""
SENTENCE_MS = 1000
"""Loudness that must have been speech: a cough or "mhm" is shorter."""
NOISE_SECONDS = 15.0
"""Loudness without a pause, of which the model makes nothing: nobody talks that long in one breath. It is a car or a
television, and whoever waits for the model there must not wait without end."""
_FORGET_MS = 2000
"""Quiet after which a sound that the model made nothing of was none."""


class ReplayBuffer:
    """Keeps what the caller said last.

    Args:
        rate: Hz of 16-bit mono PCM.
    """

    def __init__(self, rate: int) -> None:
        self._bytes_per_ms = rate * 2 / 1000
        self._most = int(KEPT_SECONDS * 1000 * self._bytes_per_ms)
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._quiet_ms = float(_FORGET_MS)
        self._sentence = 0
        self._loud_ms = 0.0
        self._unbroken_ms = 0.0

    @property
    def waits(self) -> bool:
        """Whether the caller has said something since the model last gave a sign."""
        return self._loud_ms >= SENTENCE_MS

    @property
    def speaking(self) -> bool:
        """Whether the caller is in the middle of a sentence, as far as loudness tells."""
        return not self.pauses and self._unbroken_ms < NOISE_SECONDS * 1000

    @property
    def pauses(self) -> bool:
        """Whether it is quiet."""
        return self._quiet_ms >= _PAUSE_MS

    def hear(self, pcm: bytes) -> None:
        """Take some sound."""
        milliseconds = len(pcm) / self._bytes_per_ms
        if max(memoryview(pcm[: len(pcm) & ~1]).cast("h"), default=0) > LOUD:
            self._quiet_ms = 0
            self._loud_ms += milliseconds
        else:
            self._quiet_ms += milliseconds
        self._unbroken_ms = 0 if self.pauses else self._unbroken_ms + milliseconds
        if self._quiet_ms >= _FORGET_MS:
            self._sentence = 0
        elif self._sentence or self._quiet_ms == 0:
            self._sentence += len(pcm)
        self._keep(pcm)

    def _keep(self, pcm: bytes) -> None:
        self._pieces.append(pcm)
        self._held += len(pcm)
        while self._held - len(self._pieces[0]) >= self._most:
            self._held -= len(self._pieces.popleft())

    def signed(self) -> None:
        """Note a sign of the model's: it is there, and hears."""
        self._loud_ms = self._unbroken_ms = 0

    def understood(self) -> None:
        """Note that the model has heard the sentence out."""
        self._sentence = 0

    def unheard(self, unsent: int = 0) -> list[bytes]:
        """Give the newest pieces that a second stream needs.

        Args:
            unsent: Bytes that the first one was not given.
        """
        return self.newest(min(max(self._sentence, unsent), self._most))

    def newest(self, wanted: int) -> list[bytes]:
        """Return the newest pieces, of at most so many bytes together."""
        pieces: deque[bytes] = deque()
        for piece in reversed(self._pieces):
            wanted -= len(piece)
            if wanted < 0:
                break
            pieces.appendleft(piece)
        return list(pieces)
