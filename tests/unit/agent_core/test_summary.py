"""The summary that a person gets before they take over."""

import re
import unicodedata

import pytest
import regex  # type: ignore[import-untyped]  # it has no types
from hypothesis import given
from hypothesis import strategies as st

from agent_core.cutting import first, last, last_bytes
from agent_core.sentence import Sentence
from agent_core.sentences import LANGUAGES, Sentences
from agent_core.summary import BY_KEY, MAX_CHARACTERS, about, summarise

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


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_in_the_person_s_language(language: str) -> None:
    """The labels are; what was said stays in the caller's words. What is said aloud has none of them."""
    texts = Sentences.of(language)
    text = summarise(SAID, BY_KEY, texts)
    assert text.startswith(texts.say(Sentence.SUMMARY_REASON, reason=texts[Sentence.SUMMARY_KEY].rstrip(".।")))
    assert "“What is the weather in Paris?”" in text
    assert about(text, texts) == "What is the weather in Paris"
    assert about(summarise([], BY_KEY, texts), texts) == about(summarise([], "", texts), texts) == ""


SCRIPTS = {
    "cyrillic": "Есть вопрос по счёту, который оплачен дважды",
    "japanese": "先月の請求書が二重に支払われている件についてお伺いしたいのですが",
    "decomposed": unicodedata.normalize("NFD", "ガギグゲゴパピプペポが支払われ한국어가나다라마바사"),
    "hindi": "मेरी दीदी का बिल दो बार चुकाया गया है",
    "emoji": "👩‍👩‍👧‍👦👍🏽❤️👨‍🦱",
}


def whole_characters(text: str) -> list[str]:
    """Divide a text into what a reader sees as characters, by Unicode's own rule."""
    return [str(one) for one in regex.findall(r"\X", text)]


@pytest.mark.parametrize("script", SCRIPTS)
def test_words_of_any_script_survive(script: str) -> None:
    """A short sentence is whole in the summary; what is said aloud has all of its letters."""
    words = SCRIPTS[script].replace("\u200d", "")
    text = summarise([("USER", words)], "")
    assert words in text
    kept = "".join(one for one in words if one.isalnum() or one == " ")
    assert kept in "".join(one for one in about(text) if one.isalnum() or one == " ")


@given(st.sampled_from(sorted(SCRIPTS)), st.integers(1, 12), st.sampled_from(LANGUAGES), st.integers(0, 700))
def test_no_cut_divides_a_character(script: str, times: int, language: str, room: int) -> None:
    """Whatever must be shortened keeps whole characters, and some of them: texts without spaces too."""
    words = SCRIPTS[script] * times
    texts = Sentences.of(language)
    text = summarise([("USER", words), ("ASSISTANT", words)], words, texts)
    aloud = about(text, texts)
    known = set(whole_characters(words)) | set(whole_characters(words.replace("\u200d", "")))
    for quoted in re.findall("“…?(.*?)”", text):
        assert quoted
        assert set(whole_characters(quoted)) <= known
    # Before a full stop or a space, which is all that is added.
    assert {one for one in whole_characters(aloud) if one.isalnum()} <= known
    assert len(text) <= MAX_CHARACTERS
    assert "?" not in text
    assert "\ufffd" not in text
    for kept, most in ((last_bytes(words, room), room), (last(words, room), 4 * room), (first(words, room), 4 * room)):
        assert len(kept.encode()) <= most
        assert set(whole_characters(kept.strip())) <= known
        assert kept or room < 60


@given(st.text(max_size=200), st.integers(0, 900))
def test_what_is_kept_of_any_text_is_a_part_of_it(text: str, room: int) -> None:
    """Its beginning or its end, within the limit; a text that fits is unchanged."""
    assert text.startswith(first(text, room))
    assert text.endswith(last(text, room))
    assert text.endswith(last_bytes(text, room))
    assert len(first(text, room)) <= room
    assert len(last(text, room)) <= room
    assert len(last_bytes(text, room).encode()) <= room
    assert last_bytes(text, 900) == last(text, 900) == first(text, 900) == text
