"""Decide which of several places of one name is meant, and when the caller must be asked. No I/O."""

import math
from collections.abc import Sequence
from typing import Final

from ..weather_report import Place, SeveralPlaces
from .payloads import GeocodingHit as Hit
from .places import MAX_CHARACTERS, Query, best, fits, folded, has_form_of_name

_ALIKE_AT_HOME: Final = 3.0
"""How many times smaller a place in the same country may be and still be equally likely."""
_KNOWN_AT_HOME: Final = 10.0
"""The same for a city: Portland in Maine is a tenth of the one in Oregon."""
_CITY: Final = 50_000
_ALIKE_ABROAD: Final = 2.0
"""The same for another country: people name the country of a place that is not near them, except for famous ones."""
_WORTH_NAMING: Final = 10.0
"""How many times smaller a namesake may be for the region to be spoken with the name."""
_SAME_WEATHER_KM: Final = 40.0
"""Kansas City lies on both sides of a border; for its weather it makes no difference which side is meant."""
_MOST: Final = 5
_MOST_WORDS: Final = 6
"""Most words of a name, such as Saint Vincent and the Grenadines: a longer one may be an instruction for the model."""
_SEATS: Final = frozenset({"PPLC", "PPLA"})
"""GeoNames' codes for the seat of a country or of one of its largest parts."""
_BY_REGION: Final = frozenset({"US", "CA", "AU"})
"""Countries whose people say the state or province with a town's name."""


def chosen(query: Query, hits: Sequence[Hit]) -> tuple[Hit, Place] | None:
    """Choose the place that is meant, and name it so that it differs from its namesakes.

    Raises:
        SeveralPlaces: the caller must be asked.
    """
    hit = best(query, hits)
    if hit is None:
        return None
    namesakes = [one for one in hits if fits(query, one) and _is_namesake(one, hit)]
    # A rival matters only if the name is exactly what was asked for: a variant spelling is already a guess.
    rivals = [one for one in namesakes if folded(hit.name) == folded(query.name) and _may_be_meant(one, hit)]
    if rivals:
        candidates = _told_apart([hit, *sorted(rivals, key=lambda one: -one.population)])
        if len(candidates) > 1:
            raise SeveralPlaces(hit.name, tuple(candidates))
    # Small namesakes are not worth a longer name.
    others = [one for one in namesakes if one.population * _WORTH_NAMING >= hit.population]
    is_plain = not (query.within or others) and folded(hit.name) == folded(query.name)
    return hit, spoken_place(
        hit, query.name, by_region=any(one.country == hit.country for one in others), plain=is_plain
    )


def spoken_place(hit: Hit, asked: str, *, by_region: bool = False, plain: bool = False) -> Place:
    """Return a place with words that may be spoken; omit a name that does not look like one.

    Args:
        hit: The geocoder's result.
        asked: Replaces an unusable name.
        by_region: Whether the country does not distinguish it from its namesakes.
        plain: Whether the name alone identifies the place.
    """
    name, region, country = _usable(hit.name) or asked, _usable(hit.admin1), _usable(hit.country)
    # People identify a town by its country, or by its state where that is the custom.
    area = region if (by_region or hit.country_code in _BY_REGION) and region else country
    is_said = not plain and area and folded(area) != folded(name)
    code = hit.country_code if len(hit.country_code) == 2 and hit.country_code.isalpha() else ""  # noqa: PLR2004
    return Place(name, region, country, code.upper(), f"{name}, {area}" if is_said else name)


def _usable(name: str) -> str:
    is_short = len(name) <= MAX_CHARACTERS // 2 and len(name.split()) <= _MOST_WORDS
    return name if is_short and has_form_of_name(name) else ""


def _is_namesake(one: Hit, hit: Hit) -> bool:
    return one is not hit and folded(one.name) == folded(hit.name) and _kilometres(one, hit) > _SAME_WEATHER_KM


def _may_be_meant(one: Hit, hit: Hit) -> bool:
    larger, smaller = max(one.population, hit.population), min(one.population, hit.population)
    if one.country_code == hit.country_code:
        return larger <= smaller * _ALIKE_AT_HOME or (larger <= smaller * _KNOWN_AT_HOME and smaller >= _CITY)
    # A capital is meant rather than a village abroad, whatever their sizes.
    is_lesser = hit.feature_code in _SEATS and one.feature_code not in _SEATS
    return not is_lesser and larger < smaller * _ALIKE_ABROAD


def _told_apart(hits: Sequence[Hit]) -> list[Place]:
    """Name each by its country, or by its region if another one is in the same country; one per resulting name."""
    countries = [hit.country_code for hit in hits]
    places: dict[str, Place] = {}
    for hit in hits[:_MOST]:
        place = spoken_place(hit, hit.name, by_region=countries.count(hit.country_code) > 1)
        places.setdefault(folded(place.spoken), place)
    return list(places.values())


def _kilometres(one: Hit, other: Hit) -> float:
    """Return a distance computed on a plane, which is precise enough for nearby places."""
    north = one.latitude - other.latitude
    east = (one.longitude - other.longitude) * math.cos(math.radians(one.latitude))
    return math.hypot(north, east) * 111.2
