"""A visitor reads why a visit ended or a request was refused in the language of the conversation."""

from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from agent_core.agents.agent import Agent
from agent_core.agents.agent_file import AgentFile
from agent_core.errors import AgentError, AtCapacity, Draining, ModelBusy, OverBudget, UpstreamError
from agent_core.events import EndReason
from agent_core.sentence import Sentence
from agent_core.sentences import LANGUAGES, Sentences
from tests.support.given_agents import WEATHER, given
from tests.unit.webrtc_agent.conftest import MakeClient
from webrtc_agent import agent_page, error_page, offline
from webrtc_agent.called_number import read
from webrtc_agent.end_messages import farewell
from webrtc_agent.error_responses import sentence_of
from webrtc_agent.errors import (
    AlreadyRated,
    BadRequest,
    CallNotPlaced,
    MalformedOffer,
    NotAgreed,
    NumberRefused,
    SessionOver,
    SessionTaken,
    TooManyCalls,
    UnknownSession,
)
from webrtc_agent.files import File

CLIENT = Path(agent_page.__file__).parents[2] / "client"
ENGLISH = Sentences.of()
ERRORS: list[AgentError] = [
    AgentError("x"),
    AtCapacity("x"),
    ModelBusy("x", retry_after=12),
    Draining("x"),
    OverBudget("x"),
    UpstreamError("x", "y"),
    BadRequest("x"),
    MalformedOffer("x"),
    NotAgreed("x"),
    UnknownSession("x"),
    SessionTaken("x"),
    SessionOver("x"),
    AlreadyRated("x"),
    CallNotPlaced("x", "y"),
    *(TooManyCalls(limit, 60) for limit in ("visitor", "number", "day")),
    NumberRefused("x", Sentence.NUMBER_FORM, example="+46"),
    NumberRefused("x", Sentence.NUMBER_KIND),
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_is_in_the_language(language: str) -> None:
    """No sentence is English in another language, and none has a placeholder left."""
    texts = Sentences.of(language)
    for error in ERRORS:
        said = sentence_of(error, texts)
        assert "$" not in said
        assert (said == sentence_of(error, ENGLISH)) is language.startswith("en"), error


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", EndReason)
def test_every_end_is_in_the_language(language: str, reason: EndReason) -> None:
    """Someone who has left gets no message."""
    message = farewell(reason, Sentences.of(language))
    english = farewell(reason, ENGLISH)
    gone = reason in {EndReason.CALLER_HUNG_UP, EndReason.MEDIA_DISCONNECTED}
    assert (message is None) is (english is None) is gone
    if message is not None and english is not None:
        assert (message["data"]["message"] == english["data"]["message"]) is language.startswith("en")


def test_the_prefixes_are_listed_in_the_language() -> None:
    """The word between them is translated too."""
    with pytest.raises(NumberRefused) as caught:
        read("+49 89 1234567", ["+46", "+1"])
    assert caught.value.sentence(ENGLISH) == "We can call numbers that begin with +46 or +1."
    assert caught.value.sentence(Sentences.of("de-DE")) == "Wir können Nummern anrufen, die mit +46 oder +1 beginnen."


class _Page(HTMLParser):
    """Reads the language and the texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.language: str | None = None
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the page's language, which screen readers choose their voice by."""
        if tag == "html":
            self.language = dict(attrs)["lang"]

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        if data.strip():
            self.texts.append(data.strip())


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_error_page_is_in_the_language(language: str) -> None:
    """Its title, its link and its declared language."""
    texts = Sentences.of(language)
    page = _Page(error_page.render(404, "x", texts))
    assert page.language == language
    assert page.texts == [texts[Sentence.TITLE_NO_PAGE], texts[Sentence.TITLE_NO_PAGE], "x", texts[Sentence.START_PAGE]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_offline_page_is_in_the_language(language: str) -> None:
    """It is the only page of ours that a browser can show without the service."""
    texts = Sentences.of(language)
    page = _Page(offline.render("Chez Léa", "+33199000000", texts))
    heading = texts[Sentence.OFFLINE_TITLE]
    call = texts.say(Sentence.OFFLINE_PHONE, number="+33199000000")
    assert page.language == language
    assert page.texts == [
        *(f"{heading} · Chez Léa", "Chez Léa", heading),
        *(texts[Sentence.OFFLINE_TEXT], texts[Sentence.OFFLINE_RETRY], call),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_before_its_scripts_is_in_the_language(language: str) -> None:
    """Its declared language, the words for a browser without scripts, and those for a part that is missing."""
    agent = Agent(
        "lea",
        "0" * 12,
        AgentFile.model_validate({"name": "Chez Léa", "language": language}),
        sentences=Sentences.of(language),
    )
    built = (CLIENT / "index.html").read_text()
    file = File("text/html", "", {"identity": built.encode()}, (0, 0))
    mine, console = [
        agent_page.describe_in(file, agent, speaks=speaks).bodies["identity"].decode() for speaks in (True, False)
    ]
    assert f'<html lang="{language}">' in mine
    assert f"<noscript>{escape(agent.sentences[Sentence.PAGE_NO_SCRIPT])}</noscript>" in mine
    assert agent_page.describe(agent)["incomplete"] == agent.sentences[Sentence.PAGE_INCOMPLETE]
    assert '<html lang="en">' in console


def test_the_page_has_the_languages_of_the_model() -> None:
    """Each is a module of the page's own texts."""
    languages = {path.stem for path in (CLIENT / "src/texts").glob("??.ts")}
    assert languages == {language.partition("-")[0] for language in LANGUAGES}


async def test_a_refusal_is_in_the_language_of_the_agent_that_was_asked_for(make_desk: MakeClient) -> None:
    """By the field of a start, and by the page; the default agent's elsewhere."""
    french = Sentences.of("fr-FR")
    file = AgentFile.model_validate({"name": "Chez Léa", "language": "fr-FR"})
    lea = Agent("lea", "0" * 12, file, sentences=french)
    desk = make_desk(agents=given(WEATHER, lea), rate_limit_starts_per_minute_per_address=1)
    assert (await desk.http.post("/start", json={"agent": "lea"})).status_code == 200
    refused = await desk.http.post("/start", json={"agent": "lea"})
    assert (refused.status_code, refused.json()["info"]) == (429, french[Sentence.PAGE_TOO_MANY])
    assert (await desk.http.post("/start", json={})).json()["info"] == ENGLISH[Sentence.PAGE_TOO_MANY]
