"""What a person is told before they take over."""

from hypothesis import given
from hypothesis import strategies as st

from agent_core.summary import MAX_CHARACTERS, summarise

SAID = [
    ("ASSISTANT", "Hello! How can I help?"),
    ("USER", "What is the weather in Paris?"),
    ("ASSISTANT", "In Paris it is 11 degrees and cloudy."),
    ("USER", "I want to talk to a human"),
]


def test_it_says_why_what_was_asked_and_what_was_answered() -> None:
    """A paragraph in plain words."""
    assert summarise(SAID, "The caller wants a person.") == (
        "Reason: The caller wants a person. "
        "The caller said: “What is the weather in Paris?” And: “I want to talk to a human” "
        "The assistant answered: “In Paris it is 11 degrees and cloudy.”"
    )


def test_of_a_call_without_words_it_says_so() -> None:
    """Somebody who presses 0 at once has not said anything."""
    assert summarise([], "The caller pressed 0.") == "Reason: The caller pressed 0."
    assert summarise([], "") == "The caller has not said anything yet."


def test_the_newest_words_stay_of_a_long_speech() -> None:
    """What is cut is the beginning, at a word."""
    text = summarise([("USER", "blah " * 200 + "my order is late")], "")
    assert text.endswith("blah my order is late”")
    assert "“…blah" in text


@given(st.lists(st.tuples(st.sampled_from(["USER", "ASSISTANT"]), st.text(max_size=400))), st.text(max_size=300))
def test_it_is_short_and_on_one_line_whatever_was_said(said: list[tuple[str, str]], reason: str) -> None:
    """Bounded, and nothing in it could break a header or a document."""
    text = summarise(said, reason)
    assert 0 < len(text) <= MAX_CHARACTERS
    assert text.isprintable()
