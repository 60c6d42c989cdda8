"""Records what callers hear when the model cannot speak, from its words in text files: ``python -m tools.record_announcements``.

The voice is hibari's "heart" (Apache-2.0, installed with the development tools), at its own 24 kHz. It says the same
words in the same way each time: running this again on the same kind of processor changes nothing, and on another
nothing that one hears.
"""

import sys
import wave

import numpy as np

from tools.workspace import ROOT

FOLDER = ROOT / "shared/agent_core/src/agent_core/phrases"
PEAK = 0.5
"""Of full scale, -6 dBFS: about as loud as the model speaks."""
_SEED = 1
_QUIET = 0.004
_EDGE_SECONDS = 0.04


def spoken(words: str) -> tuple[bytes, int]:
    """Speak; gives 16-bit mono PCM without silence at its ends, and its rate."""
    from hibari import Hibari  # noqa: PLC0415 - takes a second

    voice = Hibari()
    sound = np.asarray(voice(words, seed=_SEED), dtype=np.float64)
    heard = np.flatnonzero(np.abs(sound) > _QUIET * np.abs(sound).max())
    edge = int(_EDGE_SECONDS * voice.sample_rate)
    sound = sound[max(0, heard[0] - edge) : heard[-1] + edge]
    ramp = np.minimum(1, np.arange(len(sound)) / edge)
    sound *= ramp * ramp[::-1] * PEAK / np.abs(sound).max()
    return bytes((sound * 32767).astype("<i2").tobytes()), int(voice.sample_rate)


def main() -> int:
    """Write the recordings."""
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
