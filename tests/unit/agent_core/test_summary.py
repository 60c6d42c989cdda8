"""The summary that a person gets before they take over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_core.summary import MAX_CHARACTERS, about, summarise

SAID = [
    ("ASSISTANT", "Hello! How can I help?"),
    ("USER", "What is the weather in Paris?"),
    ("ASSISTANT", "In Paris it is 11 degrees and cloudy."),
    ("USER", "I want to talk to a human"),
]


def test_it_says_why_what_was_asked_and_what_was_answered() -> None:
    """The summary is a paragraph in plain words."""
    assert summarise(SAID, "The caller wants a person.") == (
        "Reason: The caller wants a person. "
        "The caller said: “What is the weather in Paris?” And: “I want to talk to a human” "
        "The assistant answered: “In Paris it is 11 degrees and cloudy.”"
    )


def test_of_a_call_without_words_it_says_so() -> None:
    """The summary of a call without words says so, as when a caller presses 0 at once."""
    assert summarise([], "The caller pressed 0.") == "Reason: The caller pressed 0."
    assert summarise([], "") == "The caller has not said anything yet."


def test_the_newest_words_stay_of_a_long_speech() -> None:
    """Of a long speech the newest words are kept; the beginning is cut, at a word."""
    text = summarise([("USER", "blah " * 200 + "my order is late")], "")
    assert text.endswith("blah my order is late”")
    assert "“…blah" in text


@given(st.lists(st.tuples(st.sampled_from(["USER", "ASSISTANT"]), st.text(max_size=400))), st.text(max_size=300))
def test_it_is_short_and_on_one_line_whatever_was_said(said: list[tuple[str, str]], reason: str) -> None:
    """The length is bounded, and nothing in the summary could break a header or a document."""
    text = summarise(said, reason)
    assert 0 < len(text) <= MAX_CHARACTERS
    assert text.isprintable()
    assert text.startswith("Reason: ") or not reason.strip()


def test_of_a_summary_the_reason_is_said_aloud() -> None:
    """A key or the wish for a person is not a reason: then the caller's words before it are."""
    assert (
        about(summarise(SAID, "The caller has an invoice that was paid twice.")) == "has an invoice that was paid twice"
    )
    assert about(summarise(SAID, "The caller wants to talk to a human, please.")) == "What is the weather in Paris"
    assert about(summarise(SAID, "The caller pressed 0.")) == "What is the weather in Paris"
    assert about(summarise(SAID[:1], "The caller pressed 0.")) == ""
    assert about(summarise([], "")) == ""


@pytest.mark.parametrize(
    ("reason", "spoken"),
    [
        ("Hello, hello, my parcel is late.", "my parcel is late"),
        ("The caller's parcel is late", "parcel is late"),
        ("The caller is calling about a refund. The caller is calling about a refund.", "a refund"),
        ("I want I want to to cancel", "I want to cancel"),
        ("Order 555 555 12 is late", "Order 555 555 12 is late"),
        ('<Say>hi</Say> <Dial>+1900</Dial> & "quotes"', "Say hi /Say Dial +1900 /Dial & quotes"),
        ("请求 人工服务", "请求 人工服务"),
    ],
)
def test_it_has_no_greeting_and_no_word_twice(reason: str, spoken: str) -> None:
    """What a voice cannot read is left out; repeated digits stay."""
    assert about(summarise([], reason)) == spoken


@given(st.lists(st.tuples(st.sampled_from(["USER", "ASSISTANT"]), st.text(max_size=400))), st.text(max_size=300))
def test_what_is_said_aloud_is_short(said: list[tuple[str, str]], reason: str) -> None:
    """The spoken summary of a spoken summary is the same, because it travels in the same field."""
    text = about(summarise(said, reason))
    assert len(text) <= 120
    assert not set('<>"“”') & set(text)
    assert about(text) == text
