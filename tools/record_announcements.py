"""Generates the announcements that callers hear when the model cannot speak: ``python -m tools.record_announcements``.

The texts are next to the recordings. Voice: hibari's "heart" (Apache-2.0, a development dependency) at 24 kHz. It is
deterministic: on the same kind of processor, a second run changes nothing, and on another one nothing audible.
"""

import sys
import wave

import numpy as np

from tools.workspace import ROOT

FOLDER = ROOT / "shared/agent_core/src/agent_core/announcements"
PEAK = 0.5
"""Peak amplitude relative to full scale (-6 dBFS), similar to the model's."""
_SEED = 1
_QUIET = 0.004
_EDGE_SECONDS = 0.04


def spoken(words: str) -> tuple[bytes, int]:
    """Return a text as 16-bit mono PCM, without silence at its ends, and its sample rate."""
    from hibari import Hibari  # noqa: PLC0415 - slow import

    voice = Hibari()
    sound = np.asarray(voice(words, seed=_SEED), dtype=np.float64)
    heard = np.flatnonzero(np.abs(sound) > _QUIET * np.abs(sound).max())
    edge = int(_EDGE_SECONDS * voice.sample_rate)
    sound = sound[max(0, heard[0] - edge) : heard[-1] + edge]
    # Fade in and out, so that the cut ends do not click.
    ramp = np.minimum(1, np.arange(len(sound)) / edge)
    sound *= ramp * ramp[::-1] * PEAK / np.abs(sound).max()
    return bytes((sound * 32767).astype("<i2").tobytes()), int(voice.sample_rate)


def main() -> int:
    """Generate all recordings."""
    for words in sorted(FOLDER.glob("*.txt")):
        name = words.stem
        pcm, rate = spoken(words.read_text(encoding="utf-8").strip())
        with wave.open(str(FOLDER / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(pcm)
        print(f"{name}.wav  {len(pcm) / 2 / rate:.2f} s at {rate} Hz")
    return 0


if __name__ == "__main__":
    sys.exit(main())
