"""What the caller hears when the model cannot speak: short recordings, ready before anybody calls.

The files beside this one are made by ``python -m tools.record_announcements``. An operator may replace them by a folder of their
own, with the same names: 16-bit mono WAV, at any rate. They are brought to the rates of the media once, at the start.
The words of ``hold.wav`` stand in ``hold.txt``, as a caption for pages; a recording without such a file has none.
"""

import wave
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import soxr

from agent_core.errors import ConfigurationError

MAX_SECONDS = 10.0
"""Longest recording that is taken: a caller who hears it waits all the longer."""
MAX_WORDS = 300
"""Characters of a caption: about twice as many as ten seconds of speech have."""
_SAMPLE_BYTES = 2
_RATES = range(8_000, 192_001)
_AUDIBLE = 500
"""Of 32 767: a sample as loud as this is somewhere in any speech."""


class Announcement(StrEnum):
    """What can be said; the value is the name of the file."""

    HOLD = "hold"
    """One moment, please."""
    HOLD_ON = "hold_on"
    """Thank you for waiting. I am still here."""
    LOOK_UP = "look_up"
    """Let me look that up."""
    SORRY = "sorry"
    """I am sorry. Something is wrong on my side."""


class Recordings:
    """All phrases at the rates that are needed.

    Args:
        folder: Holds ``hold.wav`` and the others; None takes those that come with the product.

    Raises:
        ConfigurationError: a file is missing or of another kind.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._originals = _shipped() if folder is None else _read_all(folder)
        self._words = _shipped_words() if folder is None else _read_words(folder)
        self._at_rate: dict[tuple[Announcement, int], bytes] = {}

    def prepare(self, rates: Iterable[int]) -> None:
        """Bring all phrases to these rates, in Hz, before anybody waits for one."""
        for rate in rates:
            for phrase in Announcement:
                self.pcm(phrase, rate)

    def pcm(self, phrase: Announcement, rate: int) -> bytes:
        """Give a phrase as 16-bit mono PCM at ``rate`` Hz."""
        key = (phrase, rate)
        if key not in self._at_rate:
            sound, recorded = self._originals[phrase]
            resampled = soxr.resample(np.frombuffer(sound, "<i2"), recorded, rate)
            self._at_rate[key] = bytes(resampled.astype("<i2").tobytes())
        return self._at_rate[key]

    def words(self, phrase: Announcement) -> str:
        """Return what a phrase says; empty where that is not known."""
        return self._words[phrase]


@cache
def _shipped_words() -> dict[Announcement, str]:
    with as_file(files(__name__)) as folder:
        return _read_words(folder)


def _read_words(folder: Path) -> dict[Announcement, str]:
    return {phrase: _caption(folder / f"{phrase}.txt") for phrase in Announcement}


def _caption(path: Path) -> str:
    try:
        words = " ".join(path.read_text(encoding="utf-8-sig").split())
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"ANNOUNCEMENTS_DIR: {path.name} is not text in UTF-8 that can be read") from error
    if len(words) > MAX_WORDS:
        raise ConfigurationError(f"ANNOUNCEMENTS_DIR: {path.name} has more than {MAX_WORDS} characters")
    return words


@cache
def _shipped() -> dict[Announcement, tuple[bytes, int]]:
    with as_file(files(__name__)) as folder:
        return _read_all(folder)


def _read_all(folder: Path) -> dict[Announcement, tuple[bytes, int]]:
    return {phrase: _read(folder / f"{phrase}.wav") for phrase in Announcement}


def _read(path: Path) -> tuple[bytes, int]:
    try:
        with wave.open(str(path)) as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, _SAMPLE_BYTES):
                raise ConfigurationError(f"ANNOUNCEMENTS_DIR: {path.name} must be 16-bit mono")
            if file.getframerate() not in _RATES:
                raise ConfigurationError(f"ANNOUNCEMENTS_DIR: {path.name} must have 8 to 192 kHz")
            if file.getnframes() > MAX_SECONDS * file.getframerate():
                raise ConfigurationError(f"ANNOUNCEMENTS_DIR: {path.name} is longer than {MAX_SECONDS:.0f} s")
            pcm = file.readframes(file.getnframes())
            if not _is_audible(pcm):
                raise ConfigurationError(f"ANNOUNCEMENTS_DIR: {path.name} is silent; record it again")
            return pcm, file.getframerate()
    except (OSError, EOFError, wave.Error) as error:
        raise ConfigurationError(f"ANNOUNCEMENTS_DIR: {path.name} is no WAV file that can be read") from error


def _is_audible(pcm: bytes) -> bool:
    samples = np.frombuffer(pcm[: len(pcm) // _SAMPLE_BYTES * _SAMPLE_BYTES], "<i2")
    return len(samples) > 0 and int(np.abs(samples.astype(np.int32)).max()) >= _AUDIBLE
