"""Draw audio as an SVG picture, and pack it for an `<audio>` element."""

import base64
import struct
from typing import Final

import numpy as np

from standins.twilio import mulaw

_COLUMNS: Final = 240
_HEIGHT: Final = 40
_MULAW: Final = 7
"""The WAV format of µ-law, which all browsers play: half the size of 16-bit samples."""


def waveform(audio: bytes, colour: str) -> str:
    """Return the envelope of µ-law audio as an SVG path in a picture of 240 by 40."""
    samples = np.abs(np.frombuffer(mulaw.decode(audio), dtype=np.int16).astype(np.float64))
    middle = _HEIGHT / 2
    if not len(samples):
        return f'<svg viewBox="0 0 {_COLUMNS} {_HEIGHT}" role="img" aria-label="no audio"></svg>'
    peaks = [part.max() if len(part) else 0.0 for part in np.array_split(samples, _COLUMNS)]
    # The square root shows soft speech too, as a loudness in decibels would.
    bars = [f"M{x} {middle - size:.1f}V{middle + size:.1f}" for x, size in enumerate(_sizes(peaks))]
    label = f"{len(audio) / mulaw.RATE:.1f} seconds of audio"
    path = f'<path d="{"".join(bars)}" stroke="{colour}" fill="none"/>'
    box = f'viewBox="0 0 {_COLUMNS} {_HEIGHT}" preserveAspectRatio="none"'
    return f'<svg {box} role="img" aria-label="{label}">{path}</svg>'


def _sizes(peaks: list[float]) -> list[float]:
    return [max(0.5, (peak / 32768) ** 0.5 * (_HEIGHT / 2 - 1)) for peak in peaks]


def data_url(audio: bytes) -> str:
    """Return µ-law audio as the address of an `<audio>` element."""
    return f"data:audio/wav;base64,{base64.b64encode(mulaw_wav(audio)).decode('ascii')}"


def mulaw_wav(audio: bytes) -> bytes:
    """Return µ-law audio as a WAV file."""
    # Python's wave module writes PCM only. A format that is not PCM has an extension size and a fact chunk.
    form = struct.pack("<HHIIHHH", _MULAW, 1, mulaw.RATE, mulaw.RATE, 1, 8, 0)
    chunks = _chunk(b"fmt ", form) + _chunk(b"fact", struct.pack("<I", len(audio))) + _chunk(b"data", audio)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def _chunk(name: bytes, content: bytes) -> bytes:
    padding = b"\0" if len(content) % 2 else b""
    return name + struct.pack("<I", len(content)) + content + padding
