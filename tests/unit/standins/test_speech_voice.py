"""The voice: audio levels, rates, memory."""

import os
import wave
from pathlib import Path

import numpy as np
import pytest

from standins.speech.voice import Synthesiser, VoiceService, sentences_of


class Counting:
    """A voice that hums and counts its calls."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def hum(self, text: str) -> "np.typing.NDArray[np.float32]":
        """Return half a second of humming that is far too loud."""
        self.said.append(text)
        return (3.0 * np.sin(np.arange(12_000) * 0.05)).astype(np.float32)


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000])
async def test_sound_has_the_asked_rate_and_a_sane_level(rate: int) -> None:
    """Audio keeps its length at the requested rate, with a peak of -3 dBFS."""
    voice = VoiceService(Synthesiser("hum", 24_000, Counting().hum))
    sound = np.frombuffer(await voice.speak("Hello.", rate), "<i2")
    await voice.aclose()
    assert len(sound) == rate // 2
    assert 0.65 < np.abs(sound).max() / 32768 < 0.75


async def test_a_repeated_sentence_is_not_made_again() -> None:
    """A repeated sentence is synthesised once, and an empty one never."""
    counting = Counting()
    voice = VoiceService(Synthesiser("hum", 24_000, counting.hum))
    assert await voice.speak("Hello.", 8_000) == await voice.speak("Hello.", 8_000)
    assert await voice.speak("  ", 8_000) == b""
    await voice.aclose()
    assert counting.said == ["Hello."]


async def test_a_minus_is_spoken_as_a_word() -> None:
    """A minus sign is spoken as a word, because Hibari omits "-30" in some sentences."""
    counting = Counting()
    voice = VoiceService(Synthesiser("hum", 24_000, counting.hum))
    await voice.speak("It is -30 degrees, says the stand-in.", 8_000)
    await voice.aclose()
    assert counting.said == ["It is minus 30 degrees, says the stand-in."]


def test_sentences_are_divided_at_their_ends() -> None:
    """Text is divided at the ends of sentences, but not at "3 p.m."."""
    assert sentences_of("On Friday at 3 p.m. in London: overcast. It will be 11 degrees. -2 at night!") == [
        "On Friday at 3 p.m. in London: overcast.",
        "It will be 11 degrees. -2 at night!",
    ]


@pytest.mark.real_time("a thread waits for another program, which the skipping clock does not see")
async def test_another_language_has_a_voice_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program espeak-ng speaks what is not English, with its own name of the language."""
    program = tmp_path / "espeak-ng"
    program.write_text(f"#!/bin/sh\necho $2 >>{tmp_path}/languages\ncat {tmp_path}/sound.wav\n")
    program.chmod(0o755)
    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setparams((1, 2, 22_050, 0, "NONE", ""))
        sound.writeframes(b"\x00\x10" * 22_050)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    counting = Counting()
    voice = VoiceService(Synthesiser("hum", 24_000, counting.hum))
    assert len(await voice.speak("Olá.", 8_000, "pt")) == 16_000
    await voice.speak("Hello.", 8_000)
    await voice.aclose()
    assert (tmp_path / "languages").read_text() == "pt-br\n"
    assert counting.said == ["Hello."]


async def test_without_a_voice_for_a_language_the_english_one_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without the program still answers aloud."""
    monkeypatch.setenv("PATH", "")
    counting = Counting()
    voice = VoiceService(Synthesiser("hum", 24_000, counting.hum))
    assert len(await voice.speak("Bonjour.", 8_000, "fr")) == 8_000
    await voice.aclose()
    assert counting.said == ["Bonjour."]
