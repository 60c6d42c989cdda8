"""Places of the world, found by every name in use."""

import csv
from pathlib import Path

import pytest

import standins.speech
from standins.weather.cities import Cities, world


@pytest.fixture(scope="module")
def cities() -> Cities:
    """Return all cities."""
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
    """The largest city of a name comes first, without regard to case and accents, also by its first letters."""
    first = cities.search(name)[0]
    assert (first.name, first.country_code) == found


def test_nearest_city_tells_the_time_zone(cities: Cities) -> None:
    """The nearest city determines the time zone, also of an uninhabited place."""
    assert cities.nearest(48.85, 2.35).timezone == "Europe/Paris"
    assert cities.nearest(-48.9, -123.4).timezone.startswith(("Pacific/", "America/"))


def test_every_name_finds_its_city_once() -> None:
    """Each spelling of a name finds its city, in the order of the table, and once even if two names are equal."""
    countries = {"XX": {"name": "Land", "geonameid": 1, "capital": "Åb  Bö"}}
    table = {
        1: ("Åb  Bö", ["Ab Bo", "Peking"]),
        2: ("Peking", ["peking", "\u5317\u4eac", " Bo\u00a0Ab"]),
        3: ("Bo", []),
    }
    rows = [_row(number, name, others) for number, (name, others) in table.items()]
    cities = Cities(rows, countries, {})
    asked = ("ab bo", "ÅB BÖ", "PEKING", "\u5317\u4eac", "bo ab", "Bo", "bo a", "b", "\0\0\0", "ekin")
    found = [[city.id for city in cities.search(name)] for name in asked]
    assert found == [[1], [1], [2, 1], [2], [2], [3], [2], [], [], []]
    assert [city.is_capital for city in cities.search("ab bo")] == [True]


def _row(number: int, name: str, others: list[str]) -> dict[str, object]:
    place = {"latitude": 1.0, "longitude": 2.0, "timezone": "Etc/UTC", "population": 15_000, "admin1code": "01"}
    return {"geonameid": number, "name": name, "alternatenames": others, "countrycode": "XX", **place}


def test_every_city_that_the_speech_recogniser_knows_has_weather(cities: Cities) -> None:
    """Every city that the recogniser knows has weather."""
    table = Path(standins.speech.__file__).with_name("cities.csv")
    with table.open(encoding="utf-8") as lines:
        spoken = [(row["name"], row["country"]) for row in csv.DictReader(lines)]
    assert len(spoken) > 100
    missing = [(name, code) for name, code in spoken if not any(c.country_code == code for c in cities.search(name))]
    assert missing == []
