"""G.711 µ-law, the audio format of phone calls: 8000 samples per second, one byte each."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

RATE: Final = 8000
FRAME: Final = 160
"""Bytes in one frame of 20 ms."""
FRAME_SECONDS: Final = FRAME / RATE
SILENCE: Final = b"\xff"

_BIAS: Final = 0x84
_CLIP: Final = 32635


def _decoding() -> NDArray[np.int16]:
    # µ-law is stored inverted: one sign bit, three of exponent, four of mantissa (ITU-T G.711).
    code = ~np.arange(256, dtype=np.uint8)
    exponent = ((code >> 4) & 7).astype(np.int32)
    mantissa = (code & 15).astype(np.int32)
    magnitude = (((mantissa << 3) + _BIAS) << exponent) - _BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _encoding() -> NDArray[np.uint8]:
    sample = np.arange(-32768, 32768, dtype=np.int32)
    magnitude = np.minimum(np.abs(sample), _CLIP) + _BIAS
    # The position of the highest bit gives the segment; the bias makes the smallest magnitude 0x84.
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 15
    code = np.where(sample < 0, 0x80, 0) | (exponent << 4) | mantissa
    encoded: NDArray[np.uint8] = (~code & 0xFF).astype(np.uint8)
    return encoded


# Tables, because every frame of every call passes through them.
_TO_LINEAR: Final = _decoding()
_TO_MULAW: Final = _encoding()
_AUDIBLE_SAMPLE: Final = 300
"""Amplitude (of 32124); comfort noise and the idle patterns of codecs stay below it."""
_AUDIBLE: Final = bytes(np.abs(_TO_LINEAR.astype(np.int32)) >= _AUDIBLE_SAMPLE)


def decode(mulaw: bytes) -> bytes:
    """Convert µ-law to 16-bit mono PCM of the same rate."""
    return _TO_LINEAR[np.frombuffer(mulaw, dtype=np.uint8)].tobytes()


def encode(pcm: bytes) -> bytes:
    """Convert 16-bit mono PCM to µ-law of the same rate. An odd last byte is dropped."""
    # 65536 entries: one look-up per sample.
    samples = np.frombuffer(pcm[: len(pcm) & ~1], dtype=np.int16).astype(np.int32)
    return _TO_MULAW[samples + 32768].tobytes()


def is_audible(mulaw: bytes) -> bool:
    """Return whether any sample exceeds comfort noise. A single look-up, because it runs for every frame."""
    return 1 in mulaw.translate(_AUDIBLE)
