"""Speaks English with the best voice on this machine: hibari (a package), else flite or espeak-ng (programs).

Other languages need the program espeak-ng; without it, the English voice reads them.
"""

import asyncio
import io
import re
import shutil
import subprocess
import wave
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

type Sound = npt.NDArray[np.float32]

_PEAK = 0.7
"""Peak amplitude relative to full scale (-3 dBFS): as loud as µ-law allows without clipping."""
_SEED = 1
"""Seed of the noise in hibari's consonants: the same words always produce the same audio."""
_DEADLINE_SECONDS = 15.0
"""Timeout for one sentence, which normally takes a tenth of a second."""
_START_SECONDS = 180.0
"""Timeout for loading, which takes a second, or a minute on an overloaded machine."""
_REMEMBERED = 256
"""Number of cached sentences, about 60 kB each: every call contains greetings and errors."""
_ENGLISH = "en"
_MINUS = re.compile(r"(?<![\w-])[-\u2212](?=\d)")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9])")


class NoVoiceError(RuntimeError):
    """Neither the package hibari-tts nor flite or espeak-ng is installed."""


@dataclass(frozen=True)
class Synthesiser:
    """A speech synthesizer: blocks; called from one thread at a time."""

    name: str
    sample_rate: int
    synthesise: Callable[[str], Sound]


def sentences_of(text: str) -> list[str]:
    """Split a text into sentences, which are synthesized one by one so that the first starts early."""
    return [sentence.strip() for sentence in _SENTENCE_END.split(text.strip()) if sentence.strip()]


def best_speaker() -> Synthesiser:
    """Return the best available voice. Of 383 questions at 8 kHz µ-law, hibari's are recognised best.

    Raises:
        NoVoiceError: There is none.
    """
    try:
        from hibari import Hibari  # noqa: PLC0415  a second of imports that only a speaking process needs
    except ImportError:
        return _program()
    voice = Hibari()
    return Synthesiser("hibari heart", voice.sample_rate, lambda text: voice(text, seed=_SEED))


_ESPEAK = {"pt": "pt-br", "es": "es-419", "fr": "fr-fr"}
"""Names of voices for the languages of Nova Sonic, where they differ."""


def speaker_of(language: str) -> Synthesiser | None:
    """Return a voice for a language other than English, such as "fr"; None if no program here speaks it."""
    espeak = shutil.which("espeak-ng")
    if espeak is None:
        return None
    return Synthesiser(
        f"espeak-ng {language}",
        22_050,
        lambda text: spoken_by([espeak, "-v", _ESPEAK.get(language, language), "--stdout", "--", text])[0],
    )


def _program() -> Synthesiser:
    if flite := shutil.which("flite"):
        return Synthesiser(
            "flite slt", 16_000, lambda text: spoken_by([flite, "-voice", "slt", "-t", text, "-o", "/dev/stdout"])[0]
        )
    if espeak := shutil.which("espeak-ng"):
        return Synthesiser(
            "espeak-ng en-us", 22_050, lambda text: spoken_by([espeak, "-v", "en-us", "--stdout", "--", text])[0]
        )
    message = "no voice found: install the package hibari-tts, or the program flite or espeak-ng"
    raise NoVoiceError(message)


def spoken_by(command: list[str]) -> tuple[Sound, int]:
    """Run a program that writes a WAV file to stdout, possibly without its length; return audio and sample rate."""
    made = subprocess.run(command, check=True, capture_output=True, timeout=_DEADLINE_SECONDS).stdout  # noqa: S603
    with wave.open(io.BytesIO(made)) as file:
        sound = np.frombuffer(file.readframes(len(made)), "<i2").astype(np.float32) / np.float32(32768)
        return sound, file.getframerate()


class VoiceService:
    """A voice for many sessions. It has its own thread, and takes about a hundredth of the speech's duration."""

    def __init__(self, speaker: Synthesiser | None = None) -> None:
        self._speaker = speaker
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="voice")
        self._remembered: OrderedDict[tuple[str, int, str], bytes] = OrderedDict()
        self._foreign: dict[str, Synthesiser | None] = {}

    @property
    def name(self) -> str:
        """Name of the voice; known after the first sentence or `start`."""
        return self._speaker.name if self._speaker else "not started"

    async def start(self) -> None:
        """Load the voice (about a second), so that the first caller does not wait for it.

        Raises:
            NoVoiceError: No voice was found.
            TimeoutError: The machine is too busy to load it.
        """
        loading = asyncio.get_running_loop().run_in_executor(self._thread, self._made, "Hello.", 8_000, _ENGLISH)
        try:
            await asyncio.wait_for(loading, _START_SECONDS)
        except TimeoutError:
            raise TimeoutError(
                f"the voice did not load within {_START_SECONDS:.0f} s: is this machine overloaded?"
            ) from None

    async def speak(self, text: str, sample_rate: int, language: str = _ENGLISH) -> bytes:
        """Speak one or more sentences, as 16-bit mono PCM at 8000, 16000 or 24000 Hz; an empty text returns no audio.

        Args:
            text: The sentences.
            sample_rate: Of the result.
            language: Their language, such as "fr"; the English voice reads a language that has no voice here.

        Raises:
            NoVoiceError: No voice was found.
            TimeoutError: The voice took more than 15 s.
        """
        key = (text, sample_rate, language)
        # Stand-ins say the same sentences often.
        if key not in self._remembered:
            made = asyncio.get_running_loop().run_in_executor(self._thread, self._made, text, sample_rate, language)
            self._remembered[key] = await asyncio.wait_for(made, _DEADLINE_SECONDS)
            if len(self._remembered) > _REMEMBERED:
                # Forget the oldest.
                self._remembered.popitem(last=False)
        return self._remembered[key]

    async def aclose(self) -> None:
        """Stop the thread."""
        await asyncio.to_thread(self._thread.shutdown, wait=True, cancel_futures=True)

    def _voice_of(self, language: str) -> Synthesiser:
        if self._speaker is None:
            self._speaker = best_speaker()
        if language != _ENGLISH and language not in self._foreign:
            self._foreign[language] = speaker_of(language)
        return self._foreign.get(language) or self._speaker

    def _made(self, text: str, sample_rate: int, language: str) -> bytes:
        voice = self._voice_of(language)
        if not text.strip():
            return b""
        # In some sentences, hibari omits "-30".
        sound = soxr.resample(voice.synthesise(_MINUS.sub("minus ", text)), voice.sample_rate, sample_rate)
        peak = float(np.abs(sound).max(initial=0.0))
        # The same peak for every sentence and voice.
        pcm: bytes = (sound * (_PEAK / peak if peak else 1.0) * 32767).astype("<i2").tobytes()
        return pcm
