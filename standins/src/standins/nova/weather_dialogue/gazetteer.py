# ruff: noqa: SIM905  a list of words reads best as words
"""Finds the place in a sentence: any city of the spoken list, or in typed text whatever follows "in"."""

import re
from collections.abc import Sequence
from functools import cache

from standins.nova.weather_dialogue.times import TIME_WORDS
from standins.nova.words import plain
from standins.speech.city_names import SpokenCity, cities

_LEADS = frozenset({"in", "for", "about", "at", "near", "around"})
_ENDS = frozenset(
    (
        "and or is it will be today please fahrenheit celsius degrees like going weather forecast temperature now "
        "thanks thank you i me my the a an need umbrella jacket coat rain snow what how when who that this some any "
        "there was were said mean again"
    ).split()
)
_LONGEST_NAME = 4
_LONGEST_CODE = 3
"""Length of "usa": shorter codes are as likely to be English words."""
_AMERICAN = frozenset(
    (
        "us usa al ak az ar ca co ct de fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd "
        "oh ok or pa ri sc sd tn tx ut vt va wa wv wi wy dc alabama alaska arizona arkansas california colorado "
        "connecticut delaware florida georgia hawaii idaho illinois indiana iowa kansas kentucky louisiana maine "
        "maryland massachusetts michigan minnesota mississippi missouri montana nebraska nevada ohio oklahoma oregon "
        "pennsylvania tennessee texas utah vermont virginia washington wisconsin wyoming"
    ).split()
) | {
    "united states",
    "new hampshire",
    "new jersey",
    "new mexico",
    "new york",
    "north carolina",
    "north dakota",
    "rhode island",
    "south carolina",
    "south dakota",
    "west virginia",
}
_OTHER_NAMES = {
    "new york city": "New York",
    "nyc": "New York",
    "la": "Los Angeles",
    "washington dc": "Washington",
    "kyiv": "Kiev",
    "koln": "Cologne",
    "zuerich": "Zurich",
    "muenchen": "Munich",
    "wien": "Vienna",
    "praha": "Prague",
    "roma": "Rome",
    "kolkata": "Calcutta",
    "bengaluru": "Bangalore",
    "st petersburg": "Saint Petersburg",
    "st louis": "Saint Louis",
    "hague": "The Hague",
}

# Capitalised words only: "The caller is in a hurry." names no place.
_CALLER_PLACE = re.compile(
    r"\b[Tt]he (?:caller|user|guest|person)(?:'s (?:city|place|location))? (?:is|calls|lives)\b[a-z, ]*? \"?"
    r"(?P<place>[A-Z][\w'-]*(?:[ ,]+[A-Z][\w'-]*)*)"
)


@cache
def _names() -> dict[str, SpokenCity]:
    by_name = {city.spoken: city for city in cities()}
    return by_name | {other: by_name[name.lower()] for other, name in _OTHER_NAMES.items()}


def place(words: Sequence[str]) -> str | None:
    """Return the place in a sentence, given its words as written. The last one wins, as in "Paris, no, London"."""
    return _listed(words) or _behind_a_lead(words)


def place_of_caller(system: str) -> str | None:
    """Return the caller's place from a sentence such as "The caller is in Stockholm."."""
    found = _CALLER_PLACE.search(system)
    return place(["in", *found["place"].split()]) if found else None


def is_american(name: str) -> bool:
    """Return whether a place ("Chicago", "Stockholm, SE", "Paris, Texas") is in the United States, as far as known."""
    town, _, region = (part.strip() for part in name.partition(","))
    city = _names().get(plain(town))
    # A region decides, unless it repeats the country of a known city.
    if not region or (city and plain(region) == city.country.lower()):
        return city is not None and city.country == "US"
    return plain(region.rpartition(",")[2]) in _AMERICAN


def _listed(words: Sequence[str]) -> str | None:
    keys = [plain(word) for word in words]
    # From the end, because the last place wins; longest name first, so that "New York" is not found as "York".
    for start in range(len(keys), -1, -1):
        for length in range(_LONGEST_NAME, 0, -1):
            name = " ".join(keys[start : start + length])
            if start + length <= len(keys) and name in _names() and not _is_another_word(keys, start, length):
                return _names()[name].name + _region(words, start + length, _names()[name].areas)
    return None


def _is_another_word(keys: Sequence[str], start: int, length: int) -> bool:
    """Return whether the match is another word: "have a nice day", or "york" inside a longer listed name."""
    if keys[start : start + length] == ["nice"]:
        return start + 1 < len(keys) and keys[start + 1] in (
            "day",
            "evening",
            "weekend",
            "to",
            "and",
            "weather",
            "one",
            "out",
            "of",
        )
    # "new york" contains "york", which is a city too.
    longer = [" ".join(keys[start - back : start + length]) for back in (1, 2) if start >= back]
    return any(name in _names() for name in longer)


def _region(words: Sequence[str], start: int, areas: Sequence[str]) -> str:
    """Return the region that was typed after a comma, as in "Paris, Texas", or spoken without one; empty if none."""
    if start >= len(words) or start == 0:
        return ""
    if not words[start - 1].endswith(","):
        return _said_region([plain(word) for word in words[start:]], areas)
    region = words[start].strip(".,!?")
    # "Paris, tomorrow" and "Paris, Texas" look alike: only a capitalised word that is not a time is a region.
    return f", {region}" if region[:1].isupper() and plain(region) not in TIME_WORDS | _ENDS else ""


def _said_region(keys: Sequence[str], areas: Sequence[str]) -> str:
    rest = " ".join(keys).removeprefix("in ").removeprefix("the ")
    # Articles are spoken, but not in the list.
    known = {plain(area).removeprefix("the "): area.removeprefix("the ") for area in areas}
    states = {name: name.title() for name in _AMERICAN if len(name) > _LONGEST_CODE}
    # The longest match, so that "West Virginia" does not end up in Virginia.
    found = (region for region in {**states, **known} if f"{rest} ".startswith(f"{region} "))
    best = max(found, key=len, default="")
    return f", {({**states, **known})[best]}" if best else ""


def _behind_a_lead(words: Sequence[str]) -> str | None:
    keys = [plain(word) for word in words]
    for index in range(len(words) - 1, -1, -1):
        # From the end: the last place wins here too.
        if keys[index] in _LEADS and (name := _name_from(words, index + 1)):
            return name
    return None


def _name_from(words: Sequence[str], start: int) -> str | None:
    taken: list[str] = []
    for word in words[start : start + _LONGEST_NAME]:
        if plain(word) in _ENDS | TIME_WORDS | _LEADS or not re.search(r"[^\W\d_]", word):
            break
        taken.append(word)
        # Punctuation ends a name.
        if word[-1] in ".!?;":
            break
    return " ".join(taken).strip(' .,!?;:"()') or None
