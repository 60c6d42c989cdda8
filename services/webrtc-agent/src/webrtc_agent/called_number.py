"""Read a telephone number that a visitor typed, and decide whether it may be called. No I/O."""

import re
from collections.abc import Sequence
from typing import Final

from agent_core.destinations import check_address
from agent_core.sentence import Sentence
from webrtc_agent.errors import NumberRefused

MAX_CHARACTERS: Final = 40
"""Of what a visitor types: fifteen digits, with separators."""
_SEPARATORS: Final = re.compile(r"\(0\)|[\s().\-/\u2010-\u2015]")
"""What people write between digits; ``(0)`` is the prefix of national calls, which an international one omits."""
_NUMBER: Final = re.compile(r"\+[1-9][0-9]{8,14}")
"""E.164 with at least nine digits: emergency numbers and helplines of a country are shorter."""
_NORTH_AMERICA: Final = "+1"
_ABROAD: Final = frozenset(
    (
        *("242", "246", "264", "268", "284", "345", "441", "473", "649", "658", "664", "684", "721", "758", "767"),
        *("784", "809", "829", "849", "868", "869", "876"),
        *("500", "521", "522", "523", "524", "525", "526", "527", "528", "529", "532", "533", "544", "566", "577"),
        *("588", "700"),
    )
)
"""Area codes of +1 outside the United States and Canada, which cost as much as any other country and are the usual
targets of toll fraud; and its personal numbers (nanpa.com/area-codes). A prefix such as +1876 allows one of them.
"""


def read(text: str, prefixes: Sequence[str]) -> str:
    """Return the number as ``+`` and digits.

    Args:
        text: As typed.
        prefixes: First digits of the numbers that may be called, each with its ``+``.

    Raises:
        NumberRefused: it is not a number, or may not be called.
    """
    digits = _SEPARATORS.sub("", text.strip())
    number = f"+{digits[2:]}" if digits.startswith("00") else digits
    if len(text) > MAX_CHARACTERS or not _NUMBER.fullmatch(number):
        raise NumberRefused("form", Sentence.NUMBER_FORM, example=prefixes[0])
    longest = max((prefix for prefix in prefixes if number.startswith(prefix)), key=len, default="")
    if not longest:
        raise NumberRefused("prefix", Sentence.NUMBER_PREFIX, prefixes=prefixes)
    if longest == _NORTH_AMERICA and number[2:5] in _ABROAD:
        raise NumberRefused("abroad", Sentence.NUMBER_KIND)
    try:
        check_address(f"tel:{number}")
    except ValueError:
        raise NumberRefused("premium", Sentence.NUMBER_KIND) from None
    return number
