"""Load the announcements that a caller hears when the model cannot speak, in the caller's language.

``python -m tools.record_announcements`` makes the files beside this one: a folder for each language. An operator may
replace them with their own folder of files with the same names: 16-bit mono WAV, at any rate. They are resampled to the
media's rates once, at start. ``hold.txt`` beside an operator's ``hold.wav`` contains its words, as a caption for pages;
a recording without a text file has no caption.
"""

import wave
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

import numpy as np
import soxr

from agent_core.errors import ConfigurationError
from agent_core.sentence import Sentence
from agent_core.sentences import DEFAULT, LANGUAGES, Sentences

MAX_SECONDS = 10.0
"""Longest accepted recording: the caller waits while it plays."""
MAX_WORDS = 300
"""Most characters of a caption: about twice what ten seconds of speech contain."""
_SAMPLE_BYTES = 2
_RATES = range(8_000, 192_001)
_AUDIBLE = 500
"""Amplitude, of 32 767, that any speech reaches somewhere."""


class Announcement(StrEnum):
    """The announcements; the value is the file name."""

    HOLD = "hold"
    """One moment, please."""
    HOLD_ON = "hold_on"
    """Thank you for waiting. I am still here."""
    LOOK_UP = "look_up"
    """Let me look that up."""
    SORRY = "sorry"
    """I am sorry. Something is wrong on my side."""


class Recordings:
    """All announcements of all languages, at the required rates.

    Args:
        folder: Contains ``hold.wav`` and the others, or a folder of them for each language, such as ``fr``; a language
            without one has the recordings of the product, and so has every language if this is None.

    Raises:
        ConfigurationError: a file is missing or has the wrong format.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._of: dict[str, _Recorded] = {one: _recorded(folder, one) for one in _FOLDERS}
        self._at_rate: dict[tuple[str, Announcement, int], bytes] = {}

    def prepare(self, rates: Iterable[int], languages: Iterable[str] = (DEFAULT,)) -> None:
        """Resample the announcements of some languages to these rates, in Hz, before a caller waits for one."""
        wanted = list(languages)
        for rate in rates:
            for language in wanted:
                for phrase in Announcement:
                    self.pcm(phrase, rate, language)

    def pcm(self, phrase: Announcement, rate: int, language: str = DEFAULT) -> bytes:
        """Return an announcement as 16-bit mono PCM at ``rate`` Hz."""
        key = (_folder(language), phrase, rate)
        # Resampled once per rate: it takes milliseconds, which would delay every call of the process.
        if key not in self._at_rate:
            sound, recorded = self._of[key[0]].sounds[phrase]
            resampled = soxr.resample(np.frombuffer(sound, "<i2"), recorded, rate)
            self._at_rate[key] = bytes(resampled.astype("<i2").tobytes())
        return self._at_rate[key]

    def words(self, phrase: Announcement, language: str = DEFAULT) -> str:
        """Return the words of an announcement; empty if unknown."""
        return self._of[_folder(language)].words[phrase]


@dataclass(frozen=True, slots=True)
class _Recorded:
    """The recordings of one language, each with its rate in Hz, and their words."""

    sounds: Mapping[Announcement, tuple[bytes, int]]
    words: Mapping[Announcement, str]


def _folder(language: str) -> str:
    # One voice per language is enough: who is asked to wait does not mind the accent.
    return language.partition("-")[0]


_FOLDERS: Final = tuple(dict.fromkeys(map(_folder, LANGUAGES)))


def _recorded(folder: Path | None, language: str) -> _Recorded:
    if folder is None:
        return _shipped(language)
    own = folder / language
    if not own.is_dir():
        # Recordings of one language must not stand for those of another, once there are several.
        if any((folder / one).is_dir() for one in _FOLDERS):
            return _shipped(language)
        own = folder
    return _Recorded(_read_all(own), {phrase: _caption(own / f"{phrase}.txt") for phrase in Announcement})


@cache
def _shipped(language: str) -> _Recorded:
    tag = next(one for one in LANGUAGES if _folder(one) == language)
    texts = Sentences.of(tag)
    words = {phrase: texts[Sentence(f"announcement_{phrase}")] for phrase in Announcement}
    with as_file(files(__name__)) as folder:
        return _Recorded(_read_all(folder / language), words)


def _caption(path: Path) -> str:
    try:
        words = " ".join(path.read_text(encoding="utf-8-sig").split())
    except FileNotFoundError:
        return ""  # captions are optional
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"ANNOUNCEMENTS_DIR: {path.name} cannot be read as UTF-8 text") from error
    if len(words) > MAX_WORDS:
        raise ConfigurationError(f"ANNOUNCEMENTS_DIR: {path.name} has more than {MAX_WORDS} characters")
    return words


def _read_all(folder: Path) -> dict[Announcement, tuple[bytes, int]]:
    return {phrase: _read(folder / f"{phrase}.wav") for phrase in Announcement}


def _read(path: Path) -> tuple[bytes, int]:
    try:
        with wave.open(str(path)) as file:
            # Every check names the file and the fix, because operators record these themselves.
            if (file.getnchannels(), file.getsampwidth()) != (1, _SAMPLE_BYTES):
                raise ConfigurationError(f"ANNOUNCEMENTS_DIR: {path.name} must be 16-bit mono")
            if file.getframerate() not in _RATES:
                raise ConfigurationError(f"ANNOUNCEMENTS_DIR: {path.name} must have 8 to 192 kHz")
            if file.getnframes() > MAX_SECONDS * file.getframerate():
                raise ConfigurationError(f"ANNOUNCEMENTS_DIR: {path.name} is longer than {MAX_SECONDS:.0f} s")
            pcm = file.readframes(file.getnframes())
            # A silent recording would pass every format check and leave the caller in dead air.
            if not _is_audible(pcm):
                raise ConfigurationError(f"ANNOUNCEMENTS_DIR: {path.name} is silent; record it again")
            return pcm, file.getframerate()
    except (OSError, EOFError, wave.Error) as error:
        raise ConfigurationError(f"ANNOUNCEMENTS_DIR: {path.name} cannot be read as a WAV file") from error


def _is_audible(pcm: bytes) -> bool:
    samples = np.frombuffer(pcm[: len(pcm) // _SAMPLE_BYTES * _SAMPLE_BYTES], "<i2")
    return len(samples) > 0 and int(np.abs(samples.astype(np.int32)).max()) >= _AUDIBLE
