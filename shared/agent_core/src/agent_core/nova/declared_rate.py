"""Audio at another sample rate than the one that was asked for, brought to that one."""

from typing import Any


class DeclaredRate:
    """Resamples the agent's audio where a block declares a rate of its own; that one is then the truth.

    Args:
        rate: Hz of 16-bit mono PCM that the caller's side plays.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._declared = rate
        self._stream: Any = None

    def begin(self, declared: int | None) -> None:
        """Begin a block."""
        declared = declared or self._rate
        if declared == self._declared:
            return
        self._declared, self._stream = declared, None
        if declared != self._rate:
            import soxr  # noqa: PLC0415 - 20 ms that no call needs as long as the model does what it was asked

            self._stream = soxr.ResampleStream(declared, self._rate, 1, dtype="int16")

    def convert(self, pcm: bytes) -> bytes:
        """Return a piece at our rate; an early piece may be held back for a few milliseconds."""
        if self._stream is None:
            return pcm
        import numpy as np  # noqa: PLC0415 - the same

        return bytes(self._stream.resample_chunk(np.frombuffer(pcm, dtype="<i2")).tobytes())
