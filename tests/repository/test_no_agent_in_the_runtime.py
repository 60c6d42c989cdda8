"""The runtime, the services and the page know nothing of what any one agent talks about."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import wording
from tools.workspace import ROOT

PLACES = (
    "shared/agent_core/src/",
    "services/phone-agent/src/",
    "services/webrtc-agent/src/",
    "services/webrtc-agent/client/src/",
    "services/webrtc-agent/client/public/",
    "services/webrtc-agent/client/index.html",
    "services/webrtc-agent/client/console.html",
)
PARTS = re.compile("weather|forecast|meteo", re.IGNORECASE)
"""Also inside other words."""
WORDS = frozenset({"city", "cities"})
"""Only as words or as parts of a name: `capacity` has nothing to do with it."""
_WORD = re.compile("[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
WIRE = frozenset({"{side}City"})
"""Twilio's parameters `FromCity` and `ToCity`, whose names are not ours."""


def topics(text: str) -> Iterator[str]:
    """Return what a text says about the topic of one agent."""
    yield from PARTS.findall(text)
    yield from (word for word in _WORD.findall(text) if word.lower() in WORDS)


def test_no_topic_of_an_agent_is_in_the_runtime() -> None:
    """A topic belongs into `agents/<id>`: neither names of files nor their texts know one."""
    files = wording.tracked(PLACES)
    assert len(files) > 200
    found = {path: sorted(set(topics(f"{path}\n{read(path)}"))) for path in files}
    assert {path: words for path, words in found.items() if words} == {}


def read(path: str) -> str:
    """Return the text of a file; recordings and other binary files have none."""
    content = Path(ROOT / path).read_bytes()
    text = "" if b"\0" in content else content.decode()
    for name in WIRE:
        text = text.replace(name, "")
    return text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("get_current_weather", ["weather"]),
        ("WeatherCard", ["Weather"]),
        ("OPEN_METEO_FORECAST_URL", ["METEO", "FORECAST"]),
        ("homeCity CITY cities city_name", ["City", "CITY", "cities", "city"]),
        ("capacity, Capacity, CAPACITY, velocity, whether", []),
    ],
)
def test_a_topic_is_found_in_every_spelling(text: str, found: list[str]) -> None:
    """The scan sees parts of names in any case, and leaves longer English words alone."""
    assert list(topics(text)) == found
