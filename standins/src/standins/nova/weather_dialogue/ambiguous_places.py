"""Several places with the same name: asks which one is meant, and understands the answer. No I/O."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from standins.nova.weather_dialogue.gazetteer import place
from standins.nova.words import plain

_ASKED = re.compile(r"Which (?P<name>[^?]+) do you mean, the one (?P<areas>[^?]+)\?")
_THE_ONE_IN = re.compile(r"\bthe one in (?:the )?(?P<area>\w[\w ]*?)(?: please)?$")
_ORDINALS = ("first", "second", "third", "fourth", "fifth")


@dataclass(frozen=True)
class Namesake:
    """One of several places with a name; `areas` are its state and country, the distinguishing one first."""

    name: str
    areas: tuple[str, ...]

    @property
    def location(self) -> str:
        """Name and area, as an argument of the tool."""
        return f"{self.name}, {self.areas[0]}"


def offered(result: object) -> tuple[Namesake, ...]:
    """Return the places that a tool's result offers to choose from; empty for fewer than two."""
    places = result.get("places") if isinstance(result, Mapping) else None
    read = [_namesake(one) for one in places] if isinstance(places, list) else []
    found = tuple(one for one in read if one is not None)
    return found if len(found) > 1 else ()


def _namesake(place: object) -> Namesake | None:
    if not isinstance(place, Mapping) or not isinstance(place.get("name"), str):
        return None
    # Prefer the area that the tool itself names, because it knows which one distinguishes the places.
    apart = str(place.get("spoken") or "").partition(", ")[2]
    areas = [area for area in (apart, place.get("region"), place.get("country")) if isinstance(area, str) and area]
    return Namesake(place["name"], tuple(dict.fromkeys(areas))) if areas else None


def question(result: object, places: Sequence[Namesake]) -> str:
    """Return the question which place is meant, in the tool's own words if it has any."""
    speak = result.get("speak") if isinstance(result, Mapping) else None
    if isinstance(speak, str) and speak:
        return speak
    *most, last = [f"in {one.areas[0]}" for one in places[:3]]
    return f"Which {places[0].name} do you mean, the one {', '.join(most)} or {last}?"


def asked(text: str) -> tuple[Namesake, ...]:
    """Parse our own question from a history, so that a renewed session understands the answer."""
    found = _ASKED.search(text)
    if found is None:
        return ()
    areas = re.split(r",\s*(?:or\s+)?|\s+or\s+", found["areas"])
    return tuple(Namesake(found["name"], (area.removeprefix("in "),)) for area in areas)


def meant(text: str, places: Sequence[Namesake], topic: str | None) -> str | None:
    """Return the place that an answer means: "the one in Illinois", "Illinois", "the second".

    Args:
        text: What the caller said.
        places: The places to choose from.
        topic: The last place of the conversation, for "the one in Illinois" without a question before it.
    """
    words = [plain(word) for word in text.split()]
    sentence = " ".join(word for word in words if word)
    # A sentence that names another place is a new question, even if it contains one of the areas.
    other = place(text.split())
    for one in places:
        names = {plain(part) for part in (one.name, *one.areas)}
        is_other = other is not None and plain(other.partition(",")[0]) not in names
        if not is_other and any(_holds(sentence, area) for area in one.areas[:2]):
            return one.location
    chosen = next((at for at, word in enumerate(_ORDINALS[: len(places)]) if _holds(sentence, word)), None)
    if chosen is not None:
        return places[chosen].location
    return _unasked(sentence, topic)


def _unasked(sentence: str, topic: str | None) -> str | None:
    found = _THE_ONE_IN.search(sentence)
    if found is None or topic is None:
        return None
    town, area = topic.partition(",")[0], found["area"].title()
    return f"{town}, {area}"


def _holds(sentence: str, words: str) -> bool:
    wanted = " ".join(plain(word) for word in words.split()).removeprefix("the ")
    return re.search(rf"\b{re.escape(wanted)}\b", sentence) is not None


def spoken(asked_for: str, result: object) -> str:
    """Return the place's name for a reply: as the caller said it, with the area if the tool requires it."""
    place = result.get("place") if isinstance(result, Mapping) else None
    name = place.get("spoken") if isinstance(place, Mapping) else None
    if not isinstance(name, str) or not name:
        return asked_for
    area = name.partition(", ")[2]
    return f"{asked_for}, {area}" if area else asked_for
