"""The voice: audio levels, rates, memory."""

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
