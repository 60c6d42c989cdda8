"""From what a person calls a place to the one that is meant."""

import pytest

from agent_core.adapters.open_meteo.places import Query, best, cleaned, shorter
from agent_core.adapters.open_meteo.wire import Place
from agent_core.errors import InvalidArguments


def place(name: str, population: int, country: str, code: str, admin1: str = "") -> Place:
    """Give one hit of the geocoder."""
    return Place(
        name=name,
        latitude=1,
        longitude=population / 1e7,
        population=population,
        country=country,
        country_code=code,
        admin1=admin1,
    )


PARIS = place("Paris", 2_138_551, "France", "FR", "Île-de-France")
PARIS_TEXAS = place("Paris", 24_782, "United States", "US", "Texas")
PARIS_ONTARIO = place("Paris", 12_310, "Canada", "CA", "Ontario")
ALL_PARIS = [PARIS, PARIS_TEXAS, PARIS_ONTARIO]


@pytest.mark.parametrize(
    ("location", "query"),
    [
        ("Stockholm", Query("Stockholm")),
        ("Stockholm, Sweden", Query("Stockholm", ("Sweden",))),
        ("  Portland ,Oregon, USA ", Query("Portland", ("Oregon", "USA"))),
        ("New\nYork\x00City", Query("New York City")),
        ("Łódź", Query("Łódź")),
        ("東京", Query("東京")),
        ("मुंबई", Query("मुंबई")),
        ("St. John's", Query("St. John's")),
        ("75001", Query("75001")),
        (", Paris,,", Query("Paris")),
    ],
)
def test_location_is_split_at_its_commas(location: str, query: Query) -> None:
    """Names in every script pass; control characters become spaces."""
    assert cleaned(location) == query


@pytest.mark.parametrize(
    "location",
    [
        "",
        "   ",
        ",,",
        "x" * 101,
        "http://169.254.170.2/v2",
        "<script>",
        "a\\b",
        "Paris?name=x",
        "x\r\nHost: evil",
        "{}",
    ],
)
def test_what_is_no_place_name_is_refused(location: str) -> None:
    """Nothing that looks like an address, a header or markup gets as far as a request."""
    with pytest.raises(InvalidArguments, match="location"):
        cleaned(location)


@pytest.mark.parametrize(
    ("location", "meant"),
    [
        ("Paris", PARIS),
        ("paris, france", PARIS),
        ("Paris, Texas", PARIS_TEXAS),
        ("Paris, TX", PARIS_TEXAS),
        ("Paris, Texas, USA", PARIS_TEXAS),
        ("Paris, the United States", PARIS_TEXAS),
        ("Paris, U.S.", PARIS_TEXAS),
        ("Paris, ile-de-france", PARIS),
        ("Paris, Canada", PARIS_ONTARIO),
        ("Paris, Sweden", None),
    ],
)
def test_region_decides_then_size(location: str, meant: Place | None) -> None:
    """A country or state has to fit, in any usual spelling; without one the largest place is meant."""
    assert best(cleaned(location), ALL_PARIS) == meant


def test_a_place_of_that_very_name_comes_before_a_larger_one_that_is_also_called_so() -> None:
    """The geocoder finds places by former and foreign names too."""
    own = place("Samara", 50_000, "Russia", "RU")
    other = place("Debre Tabor", 125_300, "Ethiopia", "ET")
    assert best(Query("Sámara"), [other, own]) == own


def test_a_capital_by_its_foreign_name_comes_before_a_hamlet() -> None:
    """A namesake must not be twenty times smaller."""
    beijing = place("Beijing", 18_960_744, "China", "CN")
    assert best(Query("Peking"), [place("Peking", 300, "Sweden", "SE"), beijing]) == beijing


def test_without_commas_the_last_words_may_be_the_region() -> None:
    """Speech has no commas."""
    assert list(shorter(Query("Springfield New Hampshire"))) == [
        Query("Springfield New", ("Hampshire",)),
        Query("Springfield", ("New Hampshire",)),
    ]
    assert list(shorter(Query("Paris Texas", ("USA",)))) == [Query("Paris", ("Texas", "USA"))]
    assert list(shorter(Query("Paris"))) == []
