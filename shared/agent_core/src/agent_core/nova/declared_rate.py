"""Resample the agent's audio when the model sends a sample rate other than the requested one."""

from typing import Any


class DeclaredRate:
    """Resample blocks that declare their own sample rate; the declared rate is taken as correct.

    Args:
        rate: Hz of the 16-bit mono PCM that the caller's side plays.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._declared = rate
        self._stream: Any = None

    def begin(self, declared: int | None) -> None:
        """Start a block of audio."""
        declared = declared or self._rate
        if declared == self._declared:
            return
        self._declared, self._stream = declared, None
        if declared != self._rate:
            import soxr  # noqa: PLC0415 - 20 ms that no call needs while the model sends the requested rate

            self._stream = soxr.ResampleStream(declared, self._rate, 1, dtype="int16")

    def convert(self, pcm: bytes) -> bytes:
        """Return a piece at the playback rate; the resampler may hold back a few milliseconds."""
        if self._stream is None:
            return pcm
        import numpy as np  # noqa: PLC0415 - the same

        return bytes(self._stream.resample_chunk(np.frombuffer(pcm, dtype="<i2")).tobytes())
