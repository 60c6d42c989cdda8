"""Every sentence exists in every language, and an agent may replace single ones, but not what the law asks for."""

from pathlib import Path
from string import Template

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_core.ai_words import names_an_ai
from agent_core.errors import ConfigurationError
from agent_core.sentence import PLACEHOLDERS, RECORDED, Sentence
from agent_core.sentences import LANGUAGES, Sentences, check

ENGLISH = Sentences.of("en-US")
SAME_IN_SEVERAL = {
    *(Sentence.NUMBER_OR, Sentence.LIST_AND, Sentence.SUMMARY_AND, Sentence.LINK_CONTACT),
    *(Sentence.PLACE_VIRGINIA, Sentence.PLACE_OREGON),
}
"""Single words and names of places, which related languages share."""

PARTS = ("title_", "start_", "number_or", "summary_", "link_", "place_", "list_")
"""Keys of titles, links, and parts of sentences."""
BUTTONS = {Sentence.OFFLINE_TITLE, Sentence.OFFLINE_RETRY, Sentence.OFFLINE_PHONE}
"""A heading and two links of a page."""


def written(folder: Path, text: str) -> Path:
    """Write an agent's file."""
    path = folder / "sentences.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sentence", Sentence)
def test_every_sentence_exists_in_every_language(language: str, sentence: Sentence) -> None:
    """It has exactly the placeholders of the table, and no other language's text."""
    text = Sentences.of(language).texts[sentence]
    assert set(Template(text).get_identifiers()) == PLACEHOLDERS.get(sentence, frozenset())
    assert text == text.strip()
    assert text
    english = language.startswith("en")
    assert (text == ENGLISH.texts[sentence]) is english or sentence in SAME_IN_SEVERAL


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_of_each_language_ends_like_one(language: str) -> None:
    """A voice lowers its pitch at a full stop and raises it at a question; titles and parts have neither."""
    for sentence, text in Sentences.of(language).texts.items():
        part = (
            sentence.startswith(("title_", "start_", "number_or", "summary_", "link_", "place_", "list_"))
            or sentence in BUTTONS
        )
        assert part or text.endswith((".", "।", "?")), sentence


def test_what_ships_is_checked_at_start() -> None:
    """The check reads every language."""
    check()


def test_a_language_that_the_model_does_not_speak_is_refused() -> None:
    """The reason lists those that it speaks."""
    with pytest.raises(ConfigurationError, match=r"sv-SE is not one of en-US, .*hi-IN"):
        Sentences.of("sv-SE")


def test_an_agent_replaces_single_sentences(tmp_path: Path) -> None:
    """The others stay; a file that does not exist replaces nothing."""
    path = written(tmp_path, "busy: 'Our kitchen is busy: call again at $$5.'\nwait: no\n")
    mine = Sentences.of("fr-FR", path)
    assert mine[Sentence.BUSY] == "Our kitchen is busy: call again at $5."
    assert mine[Sentence.WAIT] == "no"
    assert mine[Sentence.TIME_IS_UP] == Sentences.of("fr-FR")[Sentence.TIME_IS_UP]
    assert Sentences.of("fr-FR", tmp_path / "none.yaml").texts == Sentences.of("fr-FR").texts


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("busy: Wait.\nbussy: Wait.", r"line 2: unknown key bussy; did you mean busy\?"),
        ("1: Wait.", r"line 1: unknown key 1; docs/howto/sentences\.md"),
        ("[a]: Wait.", "line 1: unknown key"),
        (
            "\nwhisper: For $destinaton, $destination, $reason",
            r"line 2: whisper has the unknown placeholder \$destinaton",
        ),
        ("whisper: For $destination", r"line 1: whisper needs \$reason"),
        ("busy: It costs $5.", r"line 1: busy has a \$ without a name; write \$\$"),
        ("busy: ''", "line 1: busy is empty"),
        ("busy:\n  - Wait.", "line 1: busy must be one sentence"),
        ("busy: 'Wait: \t'\nbusy: Again.", "line 2: busy is there twice"),
        ("busy: a\n c: d", "line 2: this is not valid YAML"),
        ("busy: \x01", "line 1: it contains a character"),
        ("- busy", "line 1: it must be a list of"),
        ("busy: " + "a" * 401, "line 1: busy has more than 400"),
        ("busy: 'a\u202eb'", "line 1: busy contains a character that cannot be spoken"),
        ("disclosure: I am $name.", "line 1: disclosure must say that this is an AI"),
        ("disclosure: I am an AI.", r"line 1: disclosure needs \$name"),
        ("notice_ai: You are talking with our assistant.", "line 1: notice_ai must say that this is an AI"),
        ("announcement_hold: Wait.", "line 1: announcement_hold is a recording; see ANNOUNCEMENTS_DIR"),
    ],
)
def test_an_unusable_sentence_is_an_error_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    """The reason names the file and what to do."""
    path = written(tmp_path, text)
    with pytest.raises(ConfigurationError, match=problem) as caught:
        Sentences.of("en-US", path)
    assert caught.value.reason.startswith(f"{path}, line ")


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    """An operator fixes them in one go."""
    with pytest.raises(ConfigurationError, match=r"line 1: busy is empty; .*line 2: unknown key x"):
        Sentences.of("en-US", written(tmp_path, "busy: ''\nx: y"))


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    """The reason names the encoding."""
    path = tmp_path / "sentences.yaml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"sentences\.yaml: it cannot be read as UTF-8"):
        Sentences.of("en-US", path)


@given(st.text(max_size=300))
def test_no_file_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Any text is read, or is an error with a line."""
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8", errors="replace", newline="")
    reason = f"{path}, line "
    try:
        Sentences.of("de-DE", path)
    except ConfigurationError as error:
        reason = error.reason
    assert reason.startswith(f"{path}, line ")


@given(st.sampled_from(LANGUAGES), st.text())
def test_a_value_is_not_read_as_a_placeholder(language: str, name: str) -> None:
    """The name of a business may contain a dollar sign."""
    said = Sentences.of(language).say(Sentence.DISCLOSURE, name=name)
    before, _, after = Sentences.of(language).texts[Sentence.DISCLOSURE].partition("$name")
    assert said == before + name + after


def test_an_error_may_have_a_text_of_its_own() -> None:
    """An adopter's errors need no key."""
    assert Sentences.of("de-DE").of_error("My text.") == "My text."
    assert Sentences.of("de-DE").of_error(Sentence.WAIT) == "Einen Moment."


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_disclosure_names_an_ai(language: str) -> None:
    """With the text that ships, and without its name."""
    assert names_an_ai(Sentences.of(language).texts[Sentence.DISCLOSURE], language)


@pytest.mark.parametrize(
    ("language", "text", "is_one"),
    [
        ("en-US", "Hi, I'm an ai assistant.", True),
        ("en-US", "Hi, I'm an A.I. assistant.", True),
        ("en-US", "This is artificial intelligence.", True),
        ("en-US", "We aim to maintain emails.", False),
        ("en-US", "Hello, how can I help you?", False),
        ("fr-FR", "J'ai une question.", False),
        ("fr-FR", "Je suis une intelligence artificielle.", True),
        ("fr-FR", "Je suis l'I.A. de la maison.", True),
        ("it-IT", "Vorrei parlare ai clienti della via.", False),
        ("it-IT", "Sono un assistente AI.", True),
        ("de-DE", "Ich bin eine KI.", True),
        ("de-DE", "Ich bin der K. I.-Assistent.", True),
        ("de-DE", "Ich lese eine Kinozeitschrift.", False),
        ("de-DE", "Ich bin eine künstliche Intelligenz.", True),
        ("es-US", "Soy una asistente de IA.", True),
        ("es-US", "Hacía frío ese día.", False),
        ("pt-BR", "Eu ia ligar.", False),
        ("pt-BR", "Sou uma Inteligência Artificial.", True),
        ("hi-IN", "मैं एक एआई हूँ।", True),
        ("hi-IN", "मैं एक ए.आई. सहायक हूँ।", True),
        ("hi-IN", "मैं एक AI सहायक हूँ।", True),
        ("hi-IN", "वह गाएआईना", False),
        ("hi-IN", "आप कैसे हैं?", False),
    ],
)
def test_what_counts_as_saying_it(language: str, text: str, is_one: bool) -> None:  # noqa: FBT001 - a table
    """Wording is free; a word that only looks like the letters does not count."""
    assert names_an_ai(text, language) is is_one


def test_recordings_are_sentences() -> None:
    """Each recording has its words in every language."""
    assert all(one.startswith("announcement_") for one in RECORDED)
