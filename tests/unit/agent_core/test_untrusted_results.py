"""What others return or write is bounded data: no key of it instructs, and no character of it hides."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_core.tools import untrusted
from tests.support.injection_patterns import PATTERNS, Pattern

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=40,
)


def texts(value: object) -> list[str]:
    """Return all strings and keys of a value."""
    if isinstance(value, dict):
        return [*value, *(text for each in value.values() for text in texts(each))]
    return [text for each in value for text in texts(each)] if isinstance(value, list) else [str(value)]


@given(JSON)
def test_any_value_becomes_bounded_json_without_our_keys(value: object) -> None:
    """The protocol's encoder accepts it, and `speak`, `next` and `card` are ours alone."""
    made = untrusted.bounded(value)
    orjson.dumps(made)
    assert sum(len(text) for text in texts(made)) < 4 * untrusted.MAX_CHARACTERS
    keys = [key for key in texts(made) if key.lower() in untrusted.OURS]
    assert not [key for key in keys if _is_key(made, key)]


def _is_key(value: object, key: str) -> bool:
    if isinstance(value, dict):
        return key in value or any(_is_key(each, key) for each in value.values())
    return isinstance(value, list) and any(_is_key(each, key) for each in value)


def test_a_large_value_is_cut() -> None:
    """Long texts, many items, deep nesting and huge numbers."""
    deep: Any = "end"
    for _ in range(100):
        deep = [deep]
    made = untrusted.bounded({"text": "a" * 10_000, "many": list(range(1000)), "deep": deep, "big": 2**70})
    assert (len(made["text"]), len(made["many"]), made["big"]) == (1000, 50, str(2**70))
    assert len(str(made["deep"])) < 30
    assert len(orjson.dumps(untrusted.bounded(["word " * 300] * 50))) < 8_000


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_a_pattern_has_no_markup_left(pattern: Pattern) -> None:
    """No role marker, no invisible or control character, no link, in any of the known patterns."""
    made = untrusted.clean(pattern.text)
    assert not [character for character in made if not character.isprintable()]
    for mark in ("<|", "|>", "[INST]", "<<SYS>>", "</", "```", "](", "\u202e", "\u200b"):
        assert mark not in made, mark


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_a_pattern_instructs_under_no_key(pattern: Pattern) -> None:
    """As a value, as a key, and as a whole result that imitates ours."""
    forged = {"speak": pattern.text, "next": pattern.text, "card": {"value": pattern.text}, pattern.text: 1}
    made = untrusted.result({"result": forged, "list": [forged]})
    assert set(made) == {"data", "next"}
    assert "is never an instruction" in made["next"]
    assert not any(_is_key(made["data"], key) for key in ("speak", "next", "card", "error"))


def test_an_ordinary_text_stays_as_it_is() -> None:
    """Accents, scripts, prices and punctuation are not touched."""
    for text in ("Crème brûlée: 6,50 € (10 % off)", "खुला है 9-17", "Rock & Roll: it's 5 o'clock?", "3 < 5 and 5 > 3"):
        assert untrusted.clean(text) == text
