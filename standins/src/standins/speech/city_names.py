"""The cities a caller can name aloud. Recognition knows these and no others; typed text may name any place."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class SpokenCity:
    """A well-known city, spelled in plain letters the way an English speaker says it."""

    name: str
    country: str
    """ISO 3166 code of two letters."""
    areas: tuple[str, ...] = ()
    """States or countries that tell it from others of its name, where a caller is asked which one is meant."""

    @property
    def spoken(self) -> str:
        """The words of the name as the recogniser writes them."""
        return self.name.lower()


@cache
def cities() -> tuple[SpokenCity, ...]:
    """Give every city of `cities.csv`, in the order of the file."""
    text = files("standins.speech").joinpath("cities.csv").read_text(encoding="utf-8")
    return tuple(
        SpokenCity(row["name"], row["country"], tuple(filter(None, row["areas"].split(";"))))
        for row in csv.DictReader(text.splitlines())
    )


@cache
def city_named(spoken: str) -> SpokenCity | None:
    """Find the city whose name is `spoken` (lower case), or nothing."""
    return next((city for city in cities() if city.spoken == spoken), None)
