"""A value is read back before a tool receives it, spelled after one failure, typed after two, given up after four."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_core.call_state import CallState, decode
from agent_core.capture.errors import NotUnderstood
from agent_core.capture.kinds import KINDS, Kind
from agent_core.capture.reading import Reader, country_of
from agent_core.capture.values import MAX_VALUES, Captures, HandleRefused, Stored
from agent_core.sentence import Sentence
from agent_core.sentences import LANGUAGES, Sentences

TODAY = date(2026, 11, 30)
JANE = "jane.doe@example.com"


@dataclass
class Desk:
    """The values of one conversation, and what they asked for."""

    language: str = "en-US"
    has_keypad: bool = True
    stored: Any = ()
    kept: list[Stored] = field(default_factory=list)
    keys: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.captures = Captures(
            Reader(self.language, country_of(self.language)),
            Sentences.of(self.language),
            lambda: TODAY,
            has_keypad=self.has_keypad,
            stored=self.stored,
            on_change=self.kept.append,
            want_keys=self.keys.append,
        )

    def say(self, kind: Kind, heard: str, handle: str = "") -> dict[str, Any]:
        """Begin a turn of the caller, and let the model capture what they say."""
        self.captures.new_turn()
        return self.captures.take(kind, heard, handle)


def test_a_value_is_read_back_and_then_received() -> None:
    """The result has the handle and the sentence; the tool gets the value once the caller has spoken again."""
    desk = Desk()
    result = desk.say("email", "jane dot doe at example dot com")
    assert (result["status"], result["handle"]) == ("check", "email_1")
    assert result["speak"] == "I have j a n e dot d o e, at example dot com. Is that right?"
    with pytest.raises(HandleRefused, match="not_read_back"):
        desk.captures.value("email", "email_1")
    desk.captures.new_turn()
    assert desk.captures.value("email", "email_1") == JANE


def test_a_correction_changes_the_value_and_has_to_be_heard_too() -> None:
    """Also after a tool has received the value, by its handle; the domain is spelled from the second time on."""
    desk = Desk()
    desk.say("email", "jane dot dow at example dot com")
    result = desk.say("email", "no, it is d o e")
    assert result["speak"] == "I have j a n e dot d o e, at e x a m p l e dot c o m. Is that right?"
    with pytest.raises(HandleRefused):
        desk.captures.value("email", "email_1")
    desk.captures.new_turn()
    assert desk.captures.value("email", "email_1") == JANE
    assert desk.say("email", "sorry, it is d e e", "email_1")["handle"] == "email_1"
    desk.captures.new_turn()
    assert desk.captures.value("email", "email_1") == "jane.dee@example.com"


def test_the_same_value_again_is_not_read_back_again() -> None:
    """A model that captures the "yes" with the old words gets on."""
    desk = Desk()
    desk.say("date", "next friday")
    assert desk.say("date", "next friday") == {
        "status": "captured",
        "handle": "date_1",
        "next": "Pass date_1 to the tool that takes it.",
    }


def test_a_second_value_of_a_kind_follows_the_first_that_a_tool_has() -> None:
    """Two guests have two names; the first stays what it is."""
    desk = Desk()
    desk.say("name", "Jane Doe")
    desk.captures.new_turn()
    desk.captures.value("name", "name_1")
    assert desk.say("name", "Peter Smith")["handle"] == "name_2"
    desk.captures.new_turn()
    assert [desk.captures.value("name", one) for one in ("name_1", "name_2")] == ["Jane Doe", "Peter Smith"]


@pytest.mark.parametrize(
    ("kind", "has_keypad", "statuses"),
    [
        ("phone", True, ["spell", "keypad", "keypad", "failed"]),
        ("date", True, ["spell", "keypad", "keypad", "failed"]),
        ("email", True, ["spell", "spell", "spell", "failed"]),
        ("email", False, ["spell", "type", "type", "failed"]),
        ("phone", False, ["spell", "type", "type", "failed"]),
    ],
)
def test_what_is_not_understood_is_spelled_and_then_typed(kind: Kind, has_keypad: bool, statuses: list[str]) -> None:  # noqa: FBT001 - a case
    """At most four times; a keypad has no letters, and a page has no keypad. Then it starts anew."""
    desk = Desk(has_keypad=has_keypad)
    assert [desk.say(kind, "hm")["status"] for _ in statuses] == statuses
    assert desk.say(kind, "hm")["status"] == "spell"


@pytest.mark.parametrize(("language", "status"), [("en-US", "keypad"), ("en-GB", "spell"), ("de-DE", "keypad")])
def test_a_postcode_is_typed_where_it_has_digits_only(language: str, status: str) -> None:
    """A British caller would be asked for what no key has, and lose two of four attempts."""
    desk = Desk(language=language)
    assert [desk.say("postcode", "hm")["status"] for _ in range(2)] == ["spell", status]
    assert desk.keys == ([True] if status == "keypad" else [])


def test_a_plain_no_counts_as_a_failure_and_keeps_the_base_for_a_correction() -> None:
    """The refused value is received by no tool."""
    desk = Desk()
    desk.say("email", "jane dot dow at example dot com")
    assert desk.say("email", "")["status"] == "spell"
    desk.captures.new_turn()
    with pytest.raises(HandleRefused, match="no_such_handle"):
        desk.captures.value("email", "email_1")
    assert desk.say("email", "d o e")["status"] == "check"
    desk.captures.new_turn()
    assert desk.captures.value("email", "email_1") == JANE


def test_a_typed_value_is_read_back_too() -> None:
    """The keys are awaited after the second failure, and not any longer after the value."""
    desk = Desk()
    desk.say("phone", "hm")
    assert desk.say("phone", "")["speak"] == "Please type it on your keypad, then press the hash key."
    result = desk.captures.typed("2025550123")
    assert result is not None
    assert result["speak"] == "I have plus 1, 2 0 2, 5 5 5, 0 1 2 3. Is that right?"
    assert desk.captures.typed("1") is None
    desk.captures.new_turn()
    assert desk.captures.value("phone", "phone_1") == "+12025550123"


def test_a_value_that_is_said_ends_the_wait_for_keys() -> None:
    """Otherwise the next key 0 would be a digit. So does a caller who cancels."""
    desk = Desk()
    for heard in ("hm", "hm", "two oh two five five five oh one two three"):
        desk.say("phone", heard)
    assert desk.keys == [True, False]
    desk = Desk()
    for heard in ("hm", "hm"):
        desk.say("phone", heard)
    result = desk.captures.typed("")
    assert result is not None
    assert result["status"] == "failed"


def test_values_survive_the_loss_of_a_task() -> None:
    """With what was heard and what was not, in the state of the call; what another version wrote is left out."""
    desk = Desk()
    desk.say("email", "jane dot doe at example dot com")
    desk.say("phone", "two oh two five five five oh one two three")
    state = decode("CA1", CallState("CA1", captured=desk.kept[-1]).encode())
    after = Desk(stored=[*state.captured, ("other_1", "fingerprint", "x", 0, "used"), ("?",)])
    assert after.captures.known == "email_1 (email), phone_1 (phone)"
    assert after.captures.value("email", "email_1") == JANE
    with pytest.raises(HandleRefused, match="not_read_back"):
        after.captures.value("phone", "phone_1")


def test_what_is_no_handle_is_answered_with_what_to_do() -> None:
    """The advice lists the handles and no value; the value itself is as good as its handle once it was heard."""
    desk = Desk()
    desk.say("email", "jane dot doe at example dot com")
    desk.captures.new_turn()
    assert desk.captures.value("email", JANE) == JANE
    for kind, handle in (("email", "email_7"), ("phone", "email_1"), ("email", "")):
        with pytest.raises(HandleRefused) as refused:
            desk.captures.value(kind, handle)  # type: ignore[arg-type]
        assert "email_1 (email)" in refused.value.advice
        assert "jane" not in refused.value.advice


def test_the_number_of_values_is_bounded() -> None:
    """A model in a loop fills no store."""
    desk = Desk()
    for number in range(MAX_VALUES):
        desk.say("number", f"{number + 10}")
        desk.captures.new_turn()
        desk.captures.value("number", f"number_{number + 1}")
    with pytest.raises(HandleRefused, match="too_many_values"):
        desk.say("number", "99")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_is_read_back_in_every_language(language: str) -> None:
    """The sentences and the words for the signs are the language's own."""
    desk = Desk(language)
    written = {
        "email": "a_b-c.d@example.com",
        "phone": "+442079460018",
        "date": "2026-12-04",
        "number": "00427",
        "name": "Jane O'Neil",
        "postcode": {"US": "10001", "GB": "SW1A 1AA", "AU": "2000", "BR": "01310100", "IN": "110001"}.get(
            country_of(language), "10115"
        ),
    }
    said = {kind: str(desk.say(kind, heard)["speak"]) for kind, heard in written.items()}  # type: ignore[arg-type]
    template = Sentences.of(language).texts[Sentence.CAPTURE_CHECK]
    assert all(text.startswith(template.partition("$")[0]) for text in said.values())
    assert not any("$" in text or "_" in text or "@" in text for text in said.values())


@given(st.sampled_from(KINDS), st.sampled_from(LANGUAGES), st.text(max_size=80), st.text(max_size=80))
def test_any_words_have_a_value_or_none(kind: Kind, language: str, one: str, other: str) -> None:
    """Whatever a recogniser writes, reading it fails in one way only."""
    reader = Reader(language, country_of(language))
    for heard in (one, f"{one} at {other} dot com", f"double {one}, {other} as in {one}"):
        try:
            value = reader.read(kind, heard, TODAY)
            reader.correct(kind, value, other, TODAY)
        except NotUnderstood:
            continue


OWN_WORDS = (
    *("double", "at", "dot", "a", "two", "hundred", "thousand", "and", "may", "next", "friday", "twenty", "oh"),
    *("as in", "bravo", "mike", "the", "last", "-", "d-o-e", "7"),
)


@given(st.sampled_from(KINDS), st.lists(st.sampled_from(OWN_WORDS), max_size=14))
def test_any_order_of_its_own_words_has_a_value_or_none(kind: Kind, words: list[str]) -> None:
    """The words that mean something, in orders that mean nothing."""
    reader = Reader("en-US", "US")
    try:
        reader.correct(kind, reader.read(kind, " ".join(words), TODAY), " ".join(words[::-1]), TODAY)
    except NotUnderstood:
        return
