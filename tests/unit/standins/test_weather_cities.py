"""Places of the world: found by every name that people use for them."""

import csv
from pathlib import Path

import pytest

import standins.speech
from standins.weather.cities import Cities, world


@pytest.fixture(scope="module")
def cities() -> Cities:
    """Give all of them."""
    return world()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("stockholm", ("Stockholm", "SE")),
        ("Paris", ("Paris", "FR")),
        ("New York", ("New York", "US")),
        ("Peking", ("Beijing", "CN")),
        ("Sao Paulo", ("São Paulo", "BR")),
        ("Stockho", ("Stockholm", "SE")),
    ],
)
def test_the_largest_of_a_name_comes_first(cities: Cities, name: str, found: tuple[str, str]) -> None:
    """Case and accents do not matter; three letters and more may be a beginning."""
    first = cities.search(name)[0]
    assert (first.name, first.country_code) == found


def test_nearest_city_tells_the_time_zone(cities: Cities) -> None:
    """Also where nobody lives."""
    assert cities.nearest(48.85, 2.35).timezone == "Europe/Paris"
    assert cities.nearest(-48.9, -123.4).timezone.startswith(("Pacific/", "America/"))


def test_every_city_that_the_speech_recogniser_knows_has_weather(cities: Cities) -> None:
    """A place that can be said to the stand-ins can be asked for."""
    table = Path(standins.speech.__file__).with_name("cities.csv")
    with table.open(encoding="utf-8") as lines:
        spoken = [(row["name"], row["country"]) for row in csv.DictReader(lines)]
    assert len(spoken) > 100
    missing = [(name, code) for name, code in spoken if not any(c.country_code == code for c in cities.search(name))]
    assert missing == []
