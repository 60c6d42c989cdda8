"""Forty values over a telephone line: real recogniser, three voices, 8 kHz µ-law, each with one correction.

It prints the figures and asserts little: they are those of the stand-in's recogniser, which is far from a model's.
"""

from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr
import yaml

from agent_core.capture.errors import NotUnderstood
from agent_core.capture.reading import Reader, country_of
from standins.agents.folder import AgentFolder, read_folder
from standins.agents.sentences import sentences
from standins.speech.decoder import Recogniser
from standins.speech.pronunciation import known, with_the_voices
from standins.speech.voice import best_speaker
from standins.twilio import mulaw

pytestmark = pytest.mark.thorough

RATE = 8_000
VOICES = (1.0, 0.92, 1.08)
FIXTURES = Path(__file__).parents[1] / "fixtures"
VALUES = yaml.safe_load((FIXTURES / "speech/captures.yaml").read_text(encoding="utf-8"))
KINDS = ("email", "phone", "postcode", "date", "name")
TODAY = date(2026, 11, 30)
CODE_WORDS = (
    "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec romeo "
    "sierra tango uniform victor whiskey x-ray yankee zulu"
)
DIGITS = "zero one two three four five six seven eight nine"


@cache
def _recogniser() -> Recogniser:
    club = read_folder(FIXTURES / "capturing/club")
    # All kinds at once, which is the hardest case.
    agent = AgentFolder(**{**vars(club), "captured": frozenset(KINDS)})
    said = sentences(agent)
    more = with_the_voices({word for sentence in said for word in sentence.split()})
    sayable = known().keys() | more.keys()
    return Recogniser([one for one in said if sayable.issuperset(one.split())], more=more)


@cache
def _voice() -> Any:  # noqa: ANN401 - a synthesizer
    return best_speaker()


def _heard(text: str, pitch: float) -> str:
    voice = _voice()
    sound = soxr.resample(voice.synthesise(text), voice.sample_rate * pitch, RATE)
    pcm = (sound / np.abs(sound).max() * 0.7 * 32767).astype("<i2").tobytes()
    # As a caller sounds at the other end of a telephone line.
    return _recogniser().transcribe(mulaw.decode(mulaw.encode(pcm)), RATE).text


def _read(value: dict[str, Any], heard: str, before: str = "") -> str:
    country = value.get("country")
    # Everything is said in English here: the recogniser has no other language.
    language = "en-GB" if country not in (None, "US") or value.get("language") else "en-US"
    reader = Reader(language, country or country_of(value.get("language", "en-US")))
    try:
        if before:
            return reader.correct(value["kind"], before, heard, TODAY)
        return reader.read(value["kind"], heard, TODAY)
    except NotUnderstood:
        return ""


def test_values_are_said_over_the_telephone() -> None:
    """Prints how many are right at once, and how many after the caller has spelled the value."""
    once: Counter[str] = Counter()
    again: Counter[str] = Counter()
    for value in VALUES:
        for pitch in VOICES:
            first = _read(value, _heard(value["speaks"], pitch))
            once[value["kind"]] += first == value["value"]
            # One correction, as the agent asks for it.
            second = first if first == value["value"] else _read(value, _heard(_spelled(value), pitch))
            again[value["kind"]] += second == value["value"]
    said = len(VOICES) * len(VALUES)
    figures = ", ".join(f"{kind} {once[kind]} and {again[kind]} of {said // len(KINDS)}" for kind in KINDS)
    print(f"at once and after one correction: {figures}")  # noqa: T201 - the figures for a report: pytest -rP shows them
    assert sum(again.values()) >= sum(once.values())
    assert sum(once.values()) > 0.3 * said


def _spelled(value: dict[str, Any]) -> str:
    """Return the value as the agent asks for it the second time: a word for each letter."""
    kind, text = value["kind"], str(value["value"])
    if kind in ("date", "phone"):
        return str(value["speaks"])
    if kind == "email":
        local, _, domain = text.partition("@")
        return f"{_in_code_words(local)} at {domain.replace('.', ' dot ')}"
    return ", ".join(_in_code_words(part) for part in text.split(" "))


def _in_code_words(text: str) -> str:
    signs = {".": "dot", "-": "dash", "_": "underscore", "'": "apostrophe"}
    code = {word[0]: word for word in CODE_WORDS.split()}
    by_character = {**signs, **code, **dict(zip("0123456789", DIGITS.split(), strict=True))}
    return " ".join(by_character[each] for each in text.lower().replace("ü", "ue"))
