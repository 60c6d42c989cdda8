"""Cities that a caller can say aloud. The recogniser knows only these; typed text may contain any place."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class SpokenCity:
    """A well-known city, spelled in plain letters as an English speaker says it."""

    name: str
    country: str
    """Two-letter ISO 3166 code."""
    areas: tuple[str, ...] = ()
    """States or countries that distinguish it from others of its name, for a question which one is meant."""

    @property
    def spoken(self) -> str:
        """The name as the recogniser writes it."""
        return self.name.lower()


@cache
def cities() -> tuple[SpokenCity, ...]:
    """Return every city in `cities.csv`, in file order."""
    text = files("standins.speech").joinpath("cities.csv").read_text(encoding="utf-8")
    return tuple(
        SpokenCity(row["name"], row["country"], tuple(filter(None, row["areas"].split(";"))))
        for row in csv.DictReader(text.splitlines())
    )


@cache
def city_named(spoken: str) -> SpokenCity | None:
    """Return the city whose name is `spoken` (lower case), or None."""
    return next((city for city in cities() if city.spoken == spoken), None)
