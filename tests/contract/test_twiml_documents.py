"""Every document that the product sends to Twilio, as a tree, against golden documents written by hand."""

import inspect
from datetime import timedelta
from functools import partial
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

from agent_core.sentence import Sentence
from agent_core.sentences import Sentences
from phone_agent import twiml
from phone_agent.twiml import TRY_AGAIN, Fallback, ResumeRedirect
from standins.twilio.twiml_parser import NotPretended, parse

GOLDEN = Path(__file__).parents[1] / "fixtures/twiml"
ENGLISH = Sentences.of()
BASE = "https://agent.example.com/incoming-call"
STREAM = "wss://agent.example.com/media-stream/CA11111111111111111111111111111111"
OURS = "+15005550001"
HOSTILE = "</Say><Dial>900</Dial>\" onload='x' & <![CDATA[ ]]>\r\n\t \x00\x0b\x1f\ufffe\ud800 Größe 😀"
"""Markup, white space, what XML 1.0 forbids (also half a surrogate pair), and what it allows."""

answer = partial(twiml.answer, STREAM, "AbC+/=", status_callback_url=f"{BASE}/stream-status")
transfer = partial(
    twiml.transfer,
    whisper_url=f"{BASE}/whisper?accept=key&note=w-_{TRY_AGAIN}",
    action_url=f"{BASE}/dial-ended?note=n-_{TRY_AGAIN}",
    ring=timedelta(seconds=20),
)

DOCUMENTS: dict[str, partial[str]] = {
    "connect": partial(answer, fallback=ResumeRedirect(f"{BASE}/lost?part=0{TRY_AGAIN}")),
    "connect-again": partial(
        answer,
        part=2,
        caller_id=OURS,
        note="sealed-_",
        pause=3,
        fallback=ResumeRedirect(f"{BASE}/lost?part=2{TRY_AGAIN}"),
    ),
    "connect-ask-after": partial(answer, fallback=ResumeRedirect(f"{BASE}/after{TRY_AGAIN}", wait=None)),
    "connect-alone": partial(answer, fallback=Fallback(dial_action_url=f"{BASE}/dial-ended")),
    "connect-fallback-sip": partial(
        answer,
        caller_id=OURS,
        fallback=Fallback(
            destination="sip:desk@pbx.example;transport=tls?X-Ctx=1&X-B=2",
            caller_id=OURS,
            dial_action_url=f"{BASE}/dial-ended",
        ),
    ),
    "connect-fallback-sips": partial(answer, fallback=Fallback(destination="SIPS:desk@pbx.example")),
    "connect-fallback-tel": partial(
        answer, fallback=Fallback(sorry="Wait.", destination="tel:+46850000000", ring=timedelta(seconds=15))
    ),
    "connect-fallback-client": partial(answer, fallback=Fallback(destination="client:anna", language="sv-SE")),
    "connect-hostile": partial(
        twiml.answer,
        STREAM + HOSTILE,
        HOSTILE,
        caller_id=HOSTILE,
        note=HOSTILE,
        fallback=Fallback(sorry=HOSTILE, destination="sip:" + HOSTILE, caller_id=HOSTILE, language=HOSTILE),
        status_callback_url=HOSTILE,
    ),
    "ended-normally": partial(twiml.stream_ended, normally=True, fallback=Fallback(destination="tel:+46850000000")),
    "ended-lost": partial(twiml.stream_ended, normally=False, fallback=Fallback(destination="tel:+46850000000")),
    "transfer-sip": partial(
        transfer, "sip:desk@pbx.example;transport=tls", headers={"X-Call-Summary": 'one & two, 50% "off"'}
    ),
    "transfer-sip-bare": partial(transfer, "sip:desk@pbx.example", headers={}),
    "transfer-sips": partial(transfer, "sips:desk@pbx.example", headers={"X-Call-Summary": ""}, caller_id=OURS),
    "transfer-tel": partial(transfer, "tel:+46850000000", headers={"X-Call-Summary": "never sent"}, caller_id=OURS),
    "transfer-client": partial(transfer, "client:anna", headers={"summary": '<Dial>+1900</Dial> & "more"'}),
    "transfer-hostile": partial(
        twiml.transfer,
        "client:" + HOSTILE,
        headers={"summary": HOSTILE},
        whisper_url=HOSTILE,
        action_url=HOSTILE,
        ring=timedelta(seconds=5),
        caller_id=HOSTILE,
    ),
    "whisper": partial(twiml.whisper, [("Caller for desk: An invoice.", "en-US")]),
    "whisper-key": partial(
        twiml.whisper,
        [("Нужен человек.", "ru-RU"), ("Press 1 to take the call.", "en-US")],
        accept_url=f"{BASE}/accepted?again=1&answered=1800000000.0&note=a-_{TRY_AGAIN}",
    ),
    "whisper-hostile": partial(twiml.whisper, [(HOSTILE, "en-US"), ("", "en-US")], accept_url=HOSTILE),
    "connect-now": partial(twiml.connect_now),
    "hang-up": partial(twiml.hang_up),
    # Twilio's default voice speaks French, but neither Hindi nor the Spanish of the United States.
    "busy-french": partial(twiml.hang_up_after, Sentences.of("fr-FR")[Sentence.BUSY], "fr-FR"),
    "busy-hindi": partial(twiml.hang_up_after, Sentences.of("hi-IN")[Sentence.BUSY], "hi-IN"),
    "connect-spanish": partial(
        answer, fallback=ResumeRedirect(f"{BASE}/lost?part=0{TRY_AGAIN}", "Un momento.", "es-US")
    ),
    "nobody-free": partial(twiml.hang_up_after, ENGLISH[Sentence.NOT_REACHED]),
    "time-is-up": partial(twiml.hang_up_after, ENGLISH[Sentence.TIME_IS_UP]),
    "hand-on": partial(twiml.retry_on_another_task, f"{BASE}?tries=1"),
    "hand-on-later": partial(twiml.retry_on_another_task, f"{BASE}/lost?part=1&tries=2", pause=timedelta(seconds=2)),
    "put-through": partial(
        twiml.put_through,
        Fallback(sorry="All our assistants are busy.", destination="tel:+46850000000", caller_id=OURS),
    ),
    "busy": partial(twiml.hang_up_after, ENGLISH[Sentence.BUSY]),
    "busy-hostile": partial(twiml.hang_up_after, HOSTILE),
}


def tree(document: str) -> tuple[str, dict[str, str], str, list[object]]:
    """Return the part of a document that Twilio reads, as a tree."""
    return _shape(fromstring(document.encode()))  # noqa: S314 - the document is our own


def _shape(element: Element) -> tuple[str, dict[str, str], str, list[object]]:
    assert not (element.tail or "").strip()
    text = element.text or ""
    return element.tag, dict(element.attrib), text.strip() if len(element) else text, [_shape(one) for one in element]


def golden(name: str) -> str:
    """Read a golden document."""
    return (GOLDEN / f"{name}.xml").read_bytes().decode()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_has_the_tree_of_its_golden_one(name: str) -> None:
    """Verbs, nouns, attributes and texts match in order, whichever library builds the document."""
    assert tree(DOCUMENTS[name]()) == tree(golden(name))


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if "hostile" not in name])
def test_the_stand_in_executes_every_verb(name: str) -> None:
    """The stand-in, whose parser shares no code with the product, executes every verb."""
    assert [verb for verb in parse(DOCUMENTS[name](), BASE) if isinstance(verb, NotPretended)] == []


def test_every_function_that_makes_a_document_has_a_golden_one() -> None:
    """A new document without a golden one fails the test, and so does a golden one that is left over."""
    makers = {
        function
        for name, function in inspect.getmembers(twiml, inspect.isfunction)
        if not name.startswith("_")
        and function.__module__ == twiml.__name__
        and inspect.signature(function).return_annotation is str
    }
    assert makers - {document.func for document in DOCUMENTS.values()} == {twiml.stream_url}
    assert {path.stem for path in GOLDEN.iterdir()} == set(DOCUMENTS)
