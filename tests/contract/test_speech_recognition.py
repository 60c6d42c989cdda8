"""Telephone speech to text: real recogniser, real worker processes, recorded questions."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from standins.nova.weather_dialogue.nlu import understand
from standins.speech import (
    RecognisedWords,
    RecognitionService,
    SpeechStarted,
    VoiceService,
    contains,
    transcribe_answer,
)
from standins.twilio import mulaw

pytestmark = pytest.mark.asyncio(loop_scope="module")
_SPEECH = Path(__file__).parents[1] / "fixtures" / "speech"
_RATE = 8_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hearing() -> AsyncIterator[RecognitionService]:
    """Return one worker for all tests of this file."""
    hearing = RecognitionService(most_workers=1)
    await hearing.start()
    yield hearing
    await hearing.aclose()


def _pcm(name: str) -> bytes:
    return mulaw.decode((_SPEECH / f"{name}.wav").read_bytes()[44:])


async def _events(
    hearing: RecognitionService, sound: bytes, rate: int = _RATE, piece: float = 0.02
) -> list[SpeechStarted | RecognisedWords]:
    ear = hearing.listen(rate)
    size = 2 * int(rate * piece)
    padded = bytes(rate) + sound + bytes(2 * rate)
    events = [event for start in range(0, len(padded), size) for event in await ear.feed(padded[start : start + size])]
    await ear.aclose()
    return events


@pytest.mark.parametrize(
    "name",
    [
        "what_is_the_weather_in_stockholm",
        "what_is_the_weather_in_paris",
        "what_is_the_weather_in_tokyo",
        "what_is_the_weather_in_new_york",
        "will_it_rain_in_london_tomorrow",
        "and_tomorrow",
        "goodbye",
        "i_want_to_talk_to_a_human",
    ],
)
async def test_a_question_on_the_telephone_is_understood(hearing: RecognitionService, name: str) -> None:
    """The recogniser reports the start, then the words, in order and once."""
    started, heard = await _events(hearing, _pcm(name))
    assert isinstance(started, SpeechStarted)
    assert isinstance(heard, RecognisedWords)
    assert heard.text == name.replace("_", " ")
    assert heard.confident


@pytest.mark.parametrize("piece", [0.04, 0.1])
async def test_the_size_of_packets_does_not_matter(hearing: RecognitionService, piece: float) -> None:
    """Packets of 40 ms and 100 ms give the same result as 20 ms."""
    *_, heard = await _events(hearing, _pcm("what_is_the_weather_in_tokyo"), piece=piece)
    assert isinstance(heard, RecognisedWords)
    assert heard.text == "what is the weather in tokyo"


async def test_a_fresh_sentence_of_the_voice_is_understood_at_24_khz(hearing: RecognitionService) -> None:
    """The recogniser understands a new sentence of the stand-in's voice at 24 kHz."""
    rate = 24_000
    voice = VoiceService()
    sound = await voice.speak("Will it rain in Stockholm on Friday?", rate)
    await voice.aclose()
    *_, heard = await _events(hearing, sound, rate)
    assert isinstance(heard, RecognisedWords)
    assert heard.text == "will it rain in stockholm on friday"


async def test_many_callers_hear_their_own_words(hearing: RecognitionService) -> None:
    """Eight callers at once get their own words from one worker.

    It then uses a faster pass where that is certain enough.
    """
    names = ["what_is_the_weather_in_stockholm", "will_it_rain_in_london_tomorrow", "goodbye", "and_tomorrow"] * 2
    found = await asyncio.gather(*(_events(hearing, _pcm(name)) for name in names))
    assert [
        event.text.replace(" ", "_") for events in found for event in events if isinstance(event, RecognisedWords)
    ] == names


async def test_noise_is_no_question(hearing: RecognitionService) -> None:
    """Loud noise may be recognised as a short word, but never as a place."""
    noise = (np.random.default_rng(5).normal(0, 3000, 2 * _RATE)).astype("<i2").tobytes()
    heard = [event.text for event in await _events(hearing, noise) if isinstance(event, RecognisedWords)]
    assert all(understand(text).place is None for text in heard)


async def test_a_dead_worker_is_replaced() -> None:
    """After a worker dies, a new one understands the next caller without an error."""
    hearing = RecognitionService(most_workers=1)
    await hearing.start()
    os.kill(hearing._workers[0]._process_id, signal.SIGKILL)
    *_, heard = await _events(hearing, _pcm("goodbye"))
    await hearing.aclose()
    assert isinstance(heard, RecognisedWords)
    assert heard.text == "goodbye"


async def test_an_answer_is_transcribed_by_another_model() -> None:
    """The other model transcribes the temperature as digits."""
    heard = await asyncio.to_thread(transcribe_answer, _pcm("it_is_-7_degrees_and_partly_cloudy_in_stockholm"), _RATE)
    assert heard == "it is -7 degrees and partly cloudy in stockholm"
    assert contains(heard, "minus seven degrees")


async def test_a_vocabulary_is_used_also_after_its_worker_died() -> None:
    """An agent's words are heard by the worker that learned them, and by the one that replaces it."""
    hearing = RecognitionService(most_workers=1)
    voice = VoiceService()
    hearing.learn({"shop@1": ["two purple lizards", "a purple lizard please"]})
    await hearing.start()
    sound = await voice.speak("Two purple lizards.", 8_000)
    for name in ("shop@1", "shop@2"):
        assert (await hearing.transcribe(sound, 8_000, name)).text == "two purple lizards", name
    worker = hearing._workers[0]
    worker._kill()
    assert (await hearing.transcribe(sound, 8_000, "shop@1")).text == "two purple lizards"
    hearing.learn({"zoo@1": ["nine green turtles"]})
    turtles = await voice.speak("Nine green turtles.", 8_000)
    assert (await hearing.transcribe(turtles, 8_000, "zoo@1")).text == "nine green turtles"
    await hearing.aclose()
    await voice.aclose()
