"""Buffer the caller's last seconds, and estimate whether they are speaking. No I/O.

The model decides turns. Loudness is used only where the model cannot decide: whether this moment is quiet enough to
change streams, and what the next stream must be sent so that no sentence is lost.
"""

from collections import deque

KEPT_SECONDS = 3.0
"""Most of a caller's sentence that a second stream is sent again."""
LOUD = 800
"""Amplitude (of 32768, -32 dBFS) of a voice close to a telephone; background noise stays below 500."""
_PAUSE_MS = 700
"""Pauses between words are shorter than this."""
SENTENCE_MS = 1000
"""Loudness that lasts this long is speech: a cough or "mhm" is shorter."""
NOISE_SECONDS = 15.0
"""Loudness without a pause that the model ignores: people do not talk this long in one breath. It is traffic or a
television, and a caller who waits for the model must not wait endlessly because of it.
"""
_FORGET_MS = 2000
"""Silence after which audio that the model ignored is no longer taken for speech."""


class ReplayBuffer:
    """Buffers what the caller said last.

    Args:
        rate: Hz of the 16-bit mono PCM.
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
        """Whether the caller has said something since the model last reacted."""
        return self._loud_ms >= SENTENCE_MS

    @property
    def speaking(self) -> bool:
        """Whether the caller is in the middle of a sentence, judged by loudness."""
        return not self.pauses and self._unbroken_ms < NOISE_SECONDS * 1000

    @property
    def pauses(self) -> bool:
        """Whether it is quiet."""
        return self._quiet_ms >= _PAUSE_MS

    def hear(self, pcm: bytes) -> None:
        """Add audio."""
        milliseconds = len(pcm) / self._bytes_per_ms
        # The peak is precise enough, and cheap: this runs for every packet.
        if max(memoryview(pcm[: len(pcm) & ~1]).cast("h"), default=0) > LOUD:
            self._quiet_ms = 0
            self._loud_ms += milliseconds
        else:
            self._quiet_ms += milliseconds
        self._unbroken_ms = 0 if self.pauses else self._unbroken_ms + milliseconds
        # The sentence includes short pauses; after a long one it counts as finished or as noise.
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
        """Record a reaction of the model: it is alive, and hears the caller."""
        self._loud_ms = self._unbroken_ms = 0

    def understood(self) -> None:
        """Record that the model has heard the whole sentence."""
        self._sentence = 0

    def unheard(self, unsent: int = 0) -> list[bytes]:
        """Return the newest pieces that a second stream needs.

        Args:
            unsent: Bytes that were not sent to the first one.
        """
        return self.newest(min(max(self._sentence, unsent), self._most))

    def newest(self, wanted: int) -> list[bytes]:
        """Return the newest pieces, at most ``wanted`` bytes together."""
        pieces: deque[bytes] = deque()
        for piece in reversed(self._pieces):
            wanted -= len(piece)
            if wanted < 0:
                break
            pieces.appendleft(piece)
        return list(pieces)
