"""The recordings exist, and are audible, short and replaceable."""

import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from agent_core.announcements import Announcement, Recordings
from agent_core.errors import ConfigurationError
from agent_core.sentence import Sentence
from agent_core.sentences import LANGUAGES, Sentences
from tools import record_announcements
from tools.record_announcements import FOLDER, spoken


@pytest.fixture(scope="module")
def shipped() -> Recordings:
    """Read the recordings of the product once."""
    return Recordings()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("phrase", Announcement)
@pytest.mark.parametrize("rate", [8000, 24000])
def test_each_phrase_is_audible_and_not_clipped(
    shipped: Recordings, language: str, phrase: Announcement, rate: int
) -> None:
    """Each lasts one to four seconds, is as loud as the model, and starts without silence."""
    samples = np.frombuffer(shipped.pcm(phrase, rate, language), "<i2").astype(np.float64)
    assert 1.0 < len(samples) / rate < 4.0
    assert 6000 < np.abs(samples).max() < 20_000
    assert np.sqrt((samples**2).mean()) > 800
    assert np.abs(samples[: rate // 5]).max() > 800


def test_no_two_languages_have_a_recording_in_common(shipped: Recordings) -> None:
    """The variants of one language have the same recordings; its words are those of the sentences."""
    sounds = {language: shipped.pcm(Announcement.HOLD, 8000, language) for language in LANGUAGES}
    assert len(set(sounds.values())) == len({language.partition("-")[0] for language in LANGUAGES}) == 7
    assert sounds["en-US"] == sounds["en-IN"]
    assert shipped.words(Announcement.HOLD, "de-DE") == Sentences.of("de-DE")[Sentence.ANNOUNCEMENT_HOLD]


def test_all_recordings_together_are_small() -> None:
    """They are part of both images."""
    assert sum(path.stat().st_size for path in FOLDER.glob("*/*.wav")) < 1_500_000


def test_the_command_makes_what_is_committed() -> None:
    """A developer who changes the words can record them again, and the others remain as before.

    Another processor gives the same audio with other phases: similar at each moment, though no sample is equal.
    """
    with wave.open(str(FOLDER / "en/hold.wav")) as file:
        committed = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        rate = file.getframerate()
    for words, same in ((Recordings().words(Announcement.HOLD), True), ("One moment, police.", False)):
        pcm, rate_made = spoken(words)
        made = np.frombuffer(pcm, "<i2")
        assert rate_made == rate
        as_long = abs(len(made) - len(committed)) < rate / 100
        assert (as_long and _difference(made, committed) < 0.2) is same


def test_another_language_is_left_alone_without_its_voice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The command makes what it has a voice for, and says what it left as it is."""
    monkeypatch.setattr(record_announcements, "FOLDER", tmp_path)
    monkeypatch.setattr(record_announcements, "spoken", lambda _words: (b"\x00\x10" * 8000, 8000))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert record_announcements.main() == 0
    assert "fr: not changed, because espeak-ng is not installed" in capsys.readouterr().out
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("*/*.wav")} == {
        f"en/{phrase}.wav" for phrase in Announcement
    }


def _difference(sound: NDArray[np.int16], other: NDArray[np.int16]) -> float:
    """Compare the spectrum of each 20 ms at 24 kHz, as a part of the whole."""
    moments = min(len(sound), len(other)) // 480
    one, two = (
        np.abs(np.fft.rfft(of[: moments * 480].reshape(moments, 480) * np.hanning(480))) for of in (sound, other)
    )
    return float(np.linalg.norm(one - two) / np.linalg.norm(two))


def _write(folder: Path, *, width: int = 2, rate: int = 16_000, seconds: float = 1.0, loudest: int = 10_000) -> Path:
    for phrase in Announcement:
        with wave.open(str(folder / f"{phrase}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(width)
            file.setframerate(rate)
            file.writeframes(loudest.to_bytes(2, "little") * (int(rate * seconds) * width // 2))
    return folder


def test_an_operators_own_recordings_are_taken_at_any_rate(tmp_path: Path) -> None:
    """An operator's recordings of any rate are converted once to the rate of the line."""
    recordings = Recordings(_write(tmp_path, rate=44_100))
    recordings.prepare([8000])
    assert len(recordings.pcm(Announcement.HOLD, 8000)) == pytest.approx(16_000, abs=4)


@pytest.mark.parametrize("broken", ["missing", "stereo", "width", "long", "text", "silent", "empty", "rate"])
def test_recordings_that_cannot_be_played_stop_the_service_at_its_start(tmp_path: Path, broken: str) -> None:
    """A recording that cannot be played stops the start, so that no caller is the first to notice."""
    seconds = {"long": 11.0, "empty": 0.0}.get(broken, 1.0)
    rate = 4000 if broken == "rate" else 16_000
    loudest = 100 if broken == "silent" else 10_000
    _write(tmp_path, width=1 if broken == "width" else 2, seconds=seconds, rate=rate, loudest=loudest)
    if broken == "missing":
        (tmp_path / "sorry.wav").unlink()
    if broken == "text":
        (tmp_path / "hold.wav").write_text("no sound")
    if broken == "stereo":
        with wave.open(str(tmp_path / "hold.wav"), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(8000)
    with pytest.raises(ConfigurationError, match="ANNOUNCEMENTS_DIR"):
        Recordings(tmp_path)


def test_an_operator_s_recording_has_the_caption_that_stands_beside_it(tmp_path: Path) -> None:
    """A recording without a text has no caption: the default one would have other words."""
    folder = _write(tmp_path)
    (folder / "hold.txt").write_text("Ett ögonblick,\ntack.\n", encoding="utf-8")
    recordings = Recordings(folder)
    assert [recordings.words(phrase) for phrase in (Announcement.HOLD, Announcement.SORRY)] == [
        "Ett ögonblick, tack.",
        "",
    ]


@pytest.mark.parametrize(("text", "problem"), [(b"\xff\xfe", "UTF-8"), (b"x" * 301, "more than 300 characters")])
def test_a_caption_that_cannot_be_shown_is_found_at_start(tmp_path: Path, text: bytes, problem: str) -> None:
    """A caption that cannot be shown stops the start, and the reason names the file."""
    folder = _write(tmp_path)
    (folder / "hold.txt").write_bytes(text)
    with pytest.raises(ConfigurationError, match=rf"hold\.txt .*{problem}"):
        Recordings(folder)


def test_an_operator_may_record_each_language(tmp_path: Path) -> None:
    """A language with a folder has its recordings; one without has those of the product, not another language's."""
    (tmp_path / "fr").mkdir()
    _write(tmp_path / "fr", seconds=2.0)
    recordings = Recordings(tmp_path)
    assert len(recordings.pcm(Announcement.HOLD, 8000, "fr-FR")) == pytest.approx(32_000, abs=4)
    assert recordings.pcm(Announcement.HOLD, 8000, "de-DE") == Recordings().pcm(Announcement.HOLD, 8000, "de-DE")


def test_recordings_without_a_language_are_for_every_caller(tmp_path: Path) -> None:
    """A service with agents of one language needs no folders."""
    recordings = Recordings(_write(tmp_path))
    assert recordings.pcm(Announcement.HOLD, 8000, "de-DE") == recordings.pcm(Announcement.HOLD, 8000, "en-US")
