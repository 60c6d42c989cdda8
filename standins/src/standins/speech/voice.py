"""Speak English with the best voice on this machine: hibari (a package), else flite or espeak-ng (programs)."""

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
"""Of full scale, -3 dBFS: as loud as a telephone takes without clipping in µ-law."""
_SEED = 1
"""Of the noise in hibari's consonants: the same words always sound the same."""
_DEADLINE_SECONDS = 15.0
"""One sentence takes a tenth of a second."""
_START_SECONDS = 180.0
"""Loading takes a second; on a machine on which everything starts at once, a minute."""
_REMEMBERED = 256
"""Sentences kept, about 60 kB each: greetings and failures are said in every call."""
_MINUS = re.compile(r"(?<![\w-])[-\u2212](?=\d)")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9])")


class NoVoiceError(RuntimeError):
    """There is neither the package hibari-tts nor a program flite or espeak-ng."""


@dataclass(frozen=True)
class Synthesiser:
    """One way to make speech: blocks, is called from one thread at a time."""

    name: str
    sample_rate: int
    synthesise: Callable[[str], Sound]


def sentences_of(text: str) -> list[str]:
    """Divide a text into sentences, to be spoken one by one so that the first is heard soon."""
    return [sentence.strip() for sentence in _SENTENCE_END.split(text.strip()) if sentence.strip()]


def best_speaker() -> Synthesiser:
    """Find the best voice there is. Of 383 questions at 8 kHz µ-law, hibari's are understood best.

    Raises:
        NoVoiceError: there is none.
    """
    try:
        from hibari import Hibari  # noqa: PLC0415  a second of imports that only a speaking process needs
    except ImportError:
        return _program()
    voice = Hibari()
    return Synthesiser("hibari heart", voice.sample_rate, lambda text: voice(text, seed=_SEED))


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
    """Run a program that writes a WAV file to its output, whose header may not know the length; give sound and rate."""
    made = subprocess.run(command, check=True, capture_output=True, timeout=_DEADLINE_SECONDS).stdout  # noqa: S603
    with wave.open(io.BytesIO(made)) as file:
        sound = np.frombuffer(file.readframes(len(made)), "<i2").astype(np.float32) / np.float32(32768)
        return sound, file.getframerate()


class VoiceService:
    """A voice for many sessions. Speaks in one thread of its own, at about a hundred times the speed of speech."""

    def __init__(self, speaker: Synthesiser | None = None) -> None:
        self._speaker = speaker
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="voice")
        self._remembered: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    @property
    def name(self) -> str:
        """The voice's name; known after the first sentence or `start`."""
        return self._speaker.name if self._speaker else "not started"

    async def start(self) -> None:
        """Load the voice (about a second), so that the first caller does not wait for it.

        Raises:
            NoVoiceError: no voice was found.
            TimeoutError: the machine is too busy to load it.
        """
        loading = asyncio.get_running_loop().run_in_executor(self._thread, self._made, "Hello.", 8_000)
        try:
            await asyncio.wait_for(loading, _START_SECONDS)
        except TimeoutError:
            raise TimeoutError(
                f"the voice was not loaded in {_START_SECONDS:.0f} s: is this machine too busy?"
            ) from None

    async def speak(self, text: str, sample_rate: int) -> bytes:
        """Speak a sentence or a few, as 16-bit mono PCM at 8000, 16000 or 24000 Hz; an empty text is no sound.

        Raises:
            NoVoiceError: no voice was found.
            TimeoutError: the voice took more than 15 s.
        """
        key = (text, sample_rate)
        if key not in self._remembered:
            made = asyncio.get_running_loop().run_in_executor(self._thread, self._made, text, sample_rate)
            self._remembered[key] = await asyncio.wait_for(made, _DEADLINE_SECONDS)
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return self._remembered[key]

    async def aclose(self) -> None:
        """End the thread."""
        await asyncio.to_thread(self._thread.shutdown, wait=True, cancel_futures=True)

    def _made(self, text: str, sample_rate: int) -> bytes:
        if self._speaker is None:
            self._speaker = best_speaker()
        if not text.strip():
            return b""
        # hibari says nothing at all for "-30" in some sentences.
        sound = soxr.resample(
            self._speaker.synthesise(_MINUS.sub("minus ", text)), self._speaker.sample_rate, sample_rate
        )
        peak = float(np.abs(sound).max(initial=0.0))
        pcm: bytes = (sound * (_PEAK / peak if peak else 1.0) * 32767).astype("<i2").tobytes()
        return pcm
