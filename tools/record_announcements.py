"""Generates the announcements that callers hear when the model cannot speak: ``python -m tools.record_announcements``.

The texts are sentences of the product. Voice for English: hibari's "heart" (Apache-2.0, a development dependency) at
24 kHz. It is deterministic: on the same kind of processor, a second run changes nothing, and on another one nothing
audible. It speaks no other language: those need the program ``espeak-ng``, and are left as they are without it. Its
voice is plain and sounds like a machine: a recording by a person is better.
"""

import io
import shutil
import subprocess
import sys
import wave

import numpy as np
import soxr
from numpy.typing import NDArray

from agent_core.announcements import Announcement
from agent_core.sentence import Sentence
from agent_core.sentences import LANGUAGES, Sentences
from tools.workspace import ROOT

FOLDER = ROOT / "shared/agent_core/src/agent_core/announcements"
PEAK = 0.5
"""Peak amplitude relative to full scale (-6 dBFS), similar to the model's."""
RATE = 8000
"""Hz of the recordings that espeak-ng makes: a telephone's, which keeps six languages below a megabyte."""
_SEED = 1
_QUIET = 0.004
_EDGE_SECONDS = 0.04
_ESPEAK = {"fr": "fr-fr", "de": "de", "it": "it", "es": "es-419", "pt": "pt-br", "hi": "hi"}
_WORDS_A_MINUTE = "150"
"""Below the program's 175: callers understand it better over a telephone."""


def spoken(words: str) -> tuple[bytes, int]:
    """Return an English text as 16-bit mono PCM, without silence at its ends, and its sample rate."""
    from hibari import Hibari  # noqa: PLC0415 - slow import

    voice = Hibari()
    return _trimmed(np.asarray(voice(words, seed=_SEED), dtype=np.float64), int(voice.sample_rate))


def spoken_by_espeak(program: str, words: str, language: str) -> tuple[bytes, int]:
    """Return a text of another language, likewise."""
    arguments = [program, "-v", _ESPEAK[language], "-s", _WORDS_A_MINUTE, "--stdout", "--", words]
    made = subprocess.run(arguments, check=True, capture_output=True, timeout=30).stdout
    with wave.open(io.BytesIO(made)) as file:
        # The program cannot know the length of what it writes to a pipe, so the header has a wrong one.
        sound = np.frombuffer(file.readframes(len(made)), "<i2").astype(np.float64)
        made_at = file.getframerate()
    return _trimmed(soxr.resample(sound, made_at, RATE), RATE)


def _trimmed(sound: NDArray[np.float64], rate: int) -> tuple[bytes, int]:
    heard = np.flatnonzero(np.abs(sound) > _QUIET * np.abs(sound).max())
    edge = int(_EDGE_SECONDS * rate)
    sound = sound[max(0, heard[0] - edge) : heard[-1] + edge]
    # Fade in and out, so that the cut ends do not click.
    ramp = np.minimum(1, np.arange(len(sound)) / edge)
    sound = sound * ramp * ramp[::-1] * PEAK / np.abs(sound).max()
    return bytes((sound * 32767).astype("<i2").tobytes()), rate


def main() -> int:
    """Generate all recordings for which there is a voice."""
    espeak = shutil.which("espeak-ng")
    for language, tag in {tag.partition("-")[0]: tag for tag in reversed(LANGUAGES)}.items():
        if language != "en" and espeak is None:
            print(f"{language}: not changed, because espeak-ng is not installed")
            continue
        for phrase in Announcement:
            words = Sentences.of(tag)[Sentence(f"announcement_{phrase}")]
            pcm, rate = (
                spoken(words) if espeak is None or language == "en" else spoken_by_espeak(espeak, words, language)
            )
            path = FOLDER / language / f"{phrase}.wav"
            path.parent.mkdir(exist_ok=True)
            with wave.open(str(path), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(rate)
                file.writeframes(pcm)
            print(f"{language}/{phrase}.wav  {len(pcm) / 2 / rate:.2f} s at {rate} Hz")
    return 0


if __name__ == "__main__":
    sys.exit(main())
