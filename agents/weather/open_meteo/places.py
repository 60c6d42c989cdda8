"""Parse what a person calls a place, and choose among the geocoder's results. No I/O."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent_core.errors import InvalidArguments

from .payloads import GeocodingHit
from .regions import ALSO_CALLED, STATES

MAX_CHARACTERS = 100

_PUNCTUATION = " ,.'’‘`-–()/&"  # noqa: RUF001 - apostrophes as people and keyboards write them

_SAME_NAME = 20
"""Weight of a place with exactly that name. The geocoder also finds places by similar and by foreign names: ``Peking``
should not be a hamlet, nor ``Samara`` a town elsewhere that once had another name.
"""


@dataclass(frozen=True, slots=True)
class Query:
    """A name for the geocoder, and the words that its country or region must match."""

    name: str
    within: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The whole text, as the geocoder's own comma syntax requires it."""
        return ", ".join((self.name, *self.within))


def cleaned(location: str) -> Query:
    """Split the model's text at its commas.

    Raises:
        InvalidArguments: It is empty, too long, or contains what no place name does (such as a URL).
    """
    # Control characters and unusual spaces come from speech recognition, or from attempts to inject text.
    visible = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in location)
    text = " ".join(unicodedata.normalize("NFC", visible).split())
    problem = _problem(text)
    if problem is not None:
        message = f"location: {problem}"
        raise InvalidArguments(message)
    # The first part is the place; the rest narrows it down.
    name, *within = [part for part in (part.strip() for part in text.split(",")) if part]
    return Query(name, tuple(within))


def shorter(query: Query) -> Iterator[Query]:
    """Treat the last one or two words as country or region, because speech has no commas: ``Paris Texas``."""
    words = query.name.split()
    for count in range(1, min(2, len(words) - 1) + 1):
        yield Query(" ".join(words[:-count]), (" ".join(words[-count:]), *query.within))


def best(query: Query, places: Sequence[GeocodingHit]) -> GeocodingHit | None:
    """Choose the place that is meant: in every region named, an exact name first, then the largest."""
    fitting = [place for place in places if fits(query, place)]
    wanted = folded(query.name)

    def weight(place: GeocodingHit) -> int:
        return (place.population + 1) * (_SAME_NAME if folded(place.name) == wanted else 1)

    return max(fitting, key=weight, default=None)


def fits(query: Query, place: GeocodingHit) -> bool:
    """Return whether a place lies in every region that was named."""
    return all(_lies_in(place, region) for region in query.within)


def has_form_of_name(text: str) -> bool:
    """Return whether a text could be the name of a place."""
    return _problem(text) is None


def folded(text: str) -> str:
    """Remove case and accents, for comparison only."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in decomposed if not unicodedata.combining(one)).strip()


def _problem(text: str) -> str | None:
    if len(text) > MAX_CHARACTERS:
        return f"must have at most {MAX_CHARACTERS} characters"
    if not any(one.isalnum() for one in text):
        return "must be the name of a place"
    if not all(one.isalnum() or one in _PUNCTUATION or unicodedata.category(one)[0] == "M" for one in text):
        return "must be the name of a place, with nothing but letters and spaces"
    return None


def _lies_in(place: GeocodingHit, region: str) -> bool:
    return not _names(region).isdisjoint(_regions(place))


def _names(region: str) -> set[str]:
    # A two-letter word may be a country or a state, so all readings are tried.
    said = _plain(region)
    return {said, ALSO_CALLED.get(said, said), STATES.get(said, said)}


def _regions(place: GeocodingHit) -> set[str]:
    regions = (place.country, place.country_code, place.admin1, place.admin2)
    return {_plain(region) for region in regions if region}


def _plain(region: str) -> str:
    return folded(region).removeprefix("the ").replace(".", "")
