"""A whisper says who calls and why, in at most five seconds of speech."""

import random
from functools import cache

import numpy as np
import pytest

from agent_core.summary import summarise
from phone_agent.accepting import LONGEST, sentences
from phone_agent.speaking_time import SILENCE, fit, seconds
from standins.speech.voice import NoVoiceError, Synthesiser, best_speaker

_TEXT = (
    "invoice paid twice change booking refund order late broken boiler water since yesterday doctor cancel parcel "
    "contract technician queue manager extraordinary responsibility characteristically rhythm strengths psychology "
    "password account internet slow Tuesday Gothenburg café Größe Åsa UFO GPS e-mail 12345 +46701234567 20% $5.50 "
    "12:30 a@b.com <Say> </Say> & ]]> ... ?! 3/4 a i the of to and that was my gpgfdodqmgk ndvjihmxr xxxxx"
)
WORDS = _TEXT.split()
STARTS = ("", "The caller has ", "The caller wants ", "Hello, hello, ", "the the ", "Reason: ", "My ", "ORDER ")


def summary(number: int) -> str:
    """Make up a call's conversation, and a reason for the transfer."""
    chance = random.Random(number)  # noqa: S311 - not a secret

    def words(most: int) -> str:
        return " ".join(chance.choice(WORDS) for _ in range(chance.randrange(most)))

    said = [(chance.choice(["USER", "ASSISTANT"]), words(25)) for _ in range(chance.randrange(5))]
    return summarise(said, chance.choice(STARTS) + words(20))


@cache
def voice() -> Synthesiser:
    """Load the voice that callers hear in `make call`."""
    try:
        return best_speaker()
    except NoVoiceError:
        pytest.skip("no voice is installed")


def spoken_seconds(said: list[tuple[str, str]]) -> float:
    """Synthesize a whisper; return the seconds from its first audible sample to its last."""
    total = (len(said) - 1) * SILENCE
    for text, _ in said:
        sound = np.abs(voice().synthesise(text))
        loud = np.flatnonzero(sound > 0.01 * sound.max(initial=0.0))
        total += float(loud[-1] - loud[0]) / voice().sample_rate if len(loud) else 0.0
    return total


def whispers(count: int) -> list[list[tuple[str, str]]]:
    """Make up whispers, the longest by the product's own estimate first."""
    names = ("reception", "sales", "a-name-of-thirty-two-characters1", "q", None)
    made = [sentences(names[number % 5], summary(number), asks=number % 4 != 0) for number in range(count)]
    return sorted(made, key=lambda said: -sum(seconds(text) for text, _ in said))


@pytest.mark.parametrize(
    "name_and_reason",
    [
        ("sales", "The caller has an invoice that was paid twice, and has had no reply."),
        ("reception", "GPS UFO 1234567890 strengths ndvjihmxr"),
        ("a-name-of-thirty-two-characters1", ""),
    ],
)
def test_a_whisper_takes_five_seconds_at_most(name_and_reason: tuple[str, str]) -> None:
    """A whisper spoken by the voice lasts at most five seconds."""
    name, reason = name_and_reason
    assert spoken_seconds(sentences(name, summarise([], reason), asks=True)) <= LONGEST


@pytest.mark.thorough
def test_of_two_hundred_whispers_the_longest_takes_five_seconds_at_most() -> None:
    """They contain numbers, abbreviations, unpronounceable words and markup; the voice speaks a quarter of them."""
    assert max(spoken_seconds(said) for said in whispers(200)[:50]) <= LONGEST


def test_a_cut_sentence_does_not_end_on_a_small_word() -> None:
    """Text that does not fit is cut word by word."""
    assert fit("an invoice that was paid twice", 1.3) == "an invoice"
    assert fit("an invoice that was paid twice", 9.0) == "an invoice that was paid twice"
    assert fit("the of and invoice", 0.6) == ""
