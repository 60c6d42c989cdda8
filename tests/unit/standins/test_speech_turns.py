"""Where a caller starts and stops speaking."""

from pathlib import Path

import pytest

from standins.speech.endpointing import CallerFinished, CallerStarted, Paused, TurnDetector, TurnEvent
from standins.twilio import mulaw

_SPEECH = Path(__file__).parents[2] / "fixtures" / "speech"
_RATE = 8_000


def _pcm(name: str) -> bytes:
    return mulaw.decode((_SPEECH / f"{name}.wav").read_bytes()[44:])


def _silence(seconds: float) -> bytes:
    return bytes(2 * int(seconds * _RATE))


def _events(sound: bytes, piece: int = 320, pause: float = 0.6) -> list[tuple[float, TurnEvent]]:
    """Feed audio in chunks and return each event with its second of audio."""
    turns = TurnDetector(_RATE, pause)
    found = []
    for start in range(0, len(sound), piece):
        found += [((start + piece) / 2 / _RATE, event) for event in turns.feed(sound[start : start + piece])]
    return found


@pytest.mark.parametrize("piece", [320, 640, 1600, 101 * 2])
def test_one_question_is_one_turn(piece: int) -> None:
    """One question is one turn for any packet size."""
    kinds = [
        type(event) for _, event in _events(_silence(1) + _pcm("what_is_the_weather_in_paris") + _silence(1), piece)
    ]
    assert kinds[0] is CallerStarted
    assert kinds[-1] is CallerFinished
    assert kinds.count(CallerStarted) == kinds.count(CallerFinished) == 1


def test_a_start_is_noticed_early_enough_to_barge_in() -> None:
    """A start of speech is detected within 200 ms of audio, early enough for a barge-in."""
    sound = _pcm("goodbye")
    loud = next(
        index
        for index in range(0, len(sound), 2)
        if abs(int.from_bytes(sound[index : index + 2], "little", signed=True)) > 600
    )
    at = next(second for second, event in _events(_silence(1) + sound) if isinstance(event, CallerStarted))
    assert at - 1 - loud / 2 / _RATE <= 0.2


def test_a_likely_end_offers_the_words_that_the_end_confirms() -> None:
    """A likely end offers its audio for transcription before the pause confirms it."""
    events = [event for _, event in _events(_pcm("what_is_the_weather_in_tokyo") + _silence(1))]
    paused = [event for event in events if isinstance(event, Paused)][-1]
    assert events[-1] == CallerFinished(paused.pcm)


def test_two_questions_with_a_pause_are_two_turns() -> None:
    """Two questions with a pause are two turns, and the second does not include the first."""
    sound = _pcm("and_tomorrow") + _silence(1) + _pcm("goodbye") + _silence(1)
    assert sum(isinstance(event, CallerFinished) for _, event in _events(sound)) == 2


@pytest.mark.parametrize("level", [0, 8, 30])
def test_silence_and_line_noise_are_no_speech(level: int) -> None:
    """Silence and line noise are not speech."""
    hum = b"".join((level if index % 2 else -level).to_bytes(2, "little", signed=True) for index in range(3 * _RATE))
    assert _events(hum) == []


def test_a_click_is_no_speech() -> None:
    """A click or a knock of 40 ms is not speech."""
    click = b"\x00\x40\x00\xc0" * 160
    assert not any(isinstance(event, CallerStarted) for _, event in _events(_silence(0.5) + click + _silence(1)))


def test_a_monologue_ends_after_fifteen_seconds() -> None:
    """A monologue ends after fifteen seconds, which limits the memory."""
    endless = _pcm("what_is_the_weather_in_paris")[3200:-6000] * 12
    ended = [event for _, event in _events(endless) if isinstance(event, CallerFinished)]
    assert ended
    assert len(ended[0].pcm) <= 2 * 15.1 * _RATE
