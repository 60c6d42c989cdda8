"""The documents for Twilio that transfer a caller."""

from datetime import timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit
from xml.etree.ElementTree import Element, fromstring

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent_core.destinations import parse
from agent_core.errors import UpstreamError
from agent_core.sentence import Sentence
from agent_core.sentences import LANGUAGES, Sentences
from agent_core.summary import about, summarise
from phone_agent.accepting import LONGEST, Accept, press_again, sentences
from phone_agent.call_control import CallControl
from phone_agent.speaking_time import seconds
from phone_agent.spelling import in_ascii, language_of
from phone_agent.transfer_context import TransferContext, TransferContextCodec, TransferContextRejected
from phone_agent.twilio_transfer import TransferService

CALL = "CA" + "1" * 32
NOTES = TransferContextCodec.from_auth_tokens(["token"])
CONTROL = CallControl(httpx.AsyncClient(), "AC1")
BASE = "https://voice-agent.a-rather-long-subdomain.example.com/incoming-call"


def transfer_service(client: httpx.AsyncClient | None = None) -> TransferService:
    """Return a transfer service with two people."""
    people = parse("desk=sip:desk@pbx.example;transport=tls,sales=tel:+46850000000")
    control = CallControl(client, "AC1") if client else CONTROL
    return TransferService(lambda _: people, control, NOTES, base_url=BASE, ring=timedelta(seconds=20))


def read(document: str) -> Element:
    """Read a document as Twilio would."""
    return fromstring(document)  # noqa: S314 - the product's own document


def test_a_number_gets_a_whisper_and_no_headers() -> None:
    """`<Number>` accepts an address for the whisper, but no headers."""
    number = read(transfer_service().document(TransferContext(CALL, "sales", "hello")))[0][0]
    assert (number.tag, number.text, set(number.attrib)) == ("Number", "+46850000000", {"url"})


@given(st.text(max_size=400))
def test_every_part_keeps_within_what_twilio_takes(summary: str) -> None:
    """Limits: 4000 characters for the document, 254 for the address, 1023 for its headers, printable ASCII for SIP."""
    document = transfer_service().document(TransferContext(CALL, "desk", summary, about=about(summary)))
    assert len(document) < 4000
    dial = read(document)[0]
    address, _, headers = (dial[0].text or "").partition("?")
    assert address == "sip:desk@pbx.example;transport=tls"
    assert len(headers) < 1024
    for name, value in parse_qsl(headers, keep_blank_values=True):
        assert name == "X-Call-Summary"
        assert value.isascii()
        assert value.isprintable()
    for url, room in ((dial[0].attrib["url"], 400), (dial.attrib["action"], 600)):
        [sealed] = parse_qs(urlsplit(url).query)["note"]
        assert urlsplit(url).fragment.startswith("ct=2000&rt=3000&rc=3"), "a task that has just died may be asked"
        note = NOTES.open(sealed, [CALL])
        whole = about(summary) if "whisper" in url else summary
        assert whole.endswith(note.summary)
        assert len(whole) > room or note.summary == whole or not whole.isascii()


def test_the_addresses_of_a_destination_are_tried_in_order() -> None:
    """Each address gets the whole whisper; after the last one, and for an unknown destination, there is no next one."""
    people = parse("sales=tel:+46850000000|client:anna|sip:desk@pbx.example,desk=sip:desk@pbx.example")
    board = TransferService(lambda _: people, CONTROL, NOTES, base_url=BASE, ring=timedelta(seconds=20))
    note: TransferContext | None = TransferContext(
        CALL, "sales", "x" * 700, about="an invoice", asked_at=5.0, transfers=2
    )
    rung = []
    while note is not None:
        dial = read(board.document(note))[0]
        rung.append(dial[0].tag)
        whisper, after = (
            NOTES.open(parse_qs(urlsplit(url).query)["note"][0], [CALL])
            for url in (dial[0].attrib["url"], dial.attrib["action"])
        )
        assert (whisper.summary, after.about, after.asked_at, after.transfers) == ("an invoice", "an invoice", 5.0, 2)
        note = board.next_address(after)
    assert rung == ["Number", "Client", "Sip"]
    assert board.next_address(TransferContext(CALL, "desk", "")) is None
    assert board.next_address(TransferContext(CALL, "of another version", "")) is None


def test_what_comes_after_the_talk_is_known_however_long_that_was() -> None:
    """Twilio disconnects the two after four hours, and the context for that outlives them; the whisper's does not."""
    now = [1_000_000.0]
    notes = TransferContextCodec.from_auth_tokens(["token"], clock=lambda: now[0])
    board = TransferService(
        lambda _: parse("desk=sip:desk@pbx.example"), CONTROL, notes, base_url=BASE, ring=timedelta(seconds=20)
    )
    dial = read(board.document(TransferContext(CALL, "desk", "hello")))[0]
    after, whisper = (
        parse_qs(urlsplit(url).query)["note"][0] for url in (dial.attrib["action"], dial[0].attrib["url"])
    )
    now[0] += 4 * 3600 + 120
    assert notes.open(after, [CALL]).destination == "desk"
    with pytest.raises(TransferContextRejected, match="expired"):
        notes.open(whisper, [CALL])


def test_letters_with_accents_lose_them_on_the_sip_leg() -> None:
    """Accents are removed on the SIP leg, so that an old telephone shows readable text, with plain quotes."""
    assert in_ascii("“Größe” in Malmö…\r\nX-Evil: 1") == '"Grosse" in Malmo... X-Evil: 1'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Reason: Нужен человек, счёт.", "Reason: Nuzhen chelovek, schet."),
        ("Reason: ホテルのよやく", "Reason: hoterunoyoyaku"),
        ("Reason: 예약", "Reason: YeYag"),
        ("Reason: Καλημέρα", "Reason: Kalimera"),
        ("Reason: فاتورة", "Reason: ftwrh"),
        ("\ue000\ue001", "The summary cannot be shown here."),
        ("", ""),
    ],
)
def test_other_scripts_are_spelt_in_latin_letters(text: str, shown: str) -> None:
    """The header of a summary in Cyrillic or Japanese is neither empty nor full of commas."""
    assert in_ascii(text) == shown


@given(st.text(max_size=400))
def test_a_header_is_never_lost(text: str) -> None:
    """In any script it is printable ASCII, and empty only for an empty summary."""
    shown = in_ascii(text)
    assert shown.isascii()
    assert shown.isprintable()
    assert len(shown) <= 240
    assert shown or not text.strip()


@pytest.mark.parametrize(
    ("reason", "said", "language"),
    [
        ("An invoice.", ["Caller for desk: An invoice. Press 1 to take the call."], "en-US"),
        ("Eine Rechnung fehlt.", ["Caller for desk: Eine Rechnung fehlt. Press 1 to take the call."], "en-US"),
        ("Нужен человек.", ["Нужен человек.", "Press 1 to take the call."], "ru-RU"),
        ("請求書の件です。", ["請求書の件です.", "Press 1 to take the call."], "ja-JP"),
        ("发票问题", ["发票问题.", "Press 1 to take the call."], "zh-CN"),
        ("예약 문의", ["예약 문의.", "Press 1 to take the call."], "ko-KR"),
        ("Καλημέρα", ["Caller for desk: Kalimera. Press 1 to take the call."], "en-US"),
        ("123", ["Caller: 123. Press 1 to take the call."], "en-US"),
        ("", ["Caller for desk. Press 1 to take the call."], "en-US"),
    ],
)
def test_each_sentence_is_read_in_its_language(reason: str, said: list[str], language: str) -> None:
    """The script decides the language; Twilio would skip a language without a voice, so that one is transliterated."""
    languages = [language, "en-US"][: len(said)]
    assert sentences("desk", summarise([], reason), asks=True) == list(zip(said, languages, strict=True))


@given(st.text(max_size=400))
def test_a_whisper_takes_about_five_seconds(summary: str) -> None:
    """Any whisper is short enough; `test_phone_whisper.py` measures it with the voice."""
    said = sentences("reception", summary, asks=True)
    spoken = sum(seconds(text.removesuffix("Press 1 to take the call.")) for text, _ in said)
    assert spoken <= LONGEST - 1.65 + 0.01
    assert said[-1][0].endswith("Press 1 to take the call.")
    assert language_of(summary) in {None, "en-US", "ru-RU", "ja-JP", "ko-KR", "zh-CN", "hi-IN"}


@pytest.mark.parametrize("language", LANGUAGES)
@example(summary="0000\u3400")
@given(summary=st.text(max_size=400))
def test_a_whisper_is_in_the_person_s_language(language: str, summary: str) -> None:
    """The words that are ours are; it takes five seconds at most, and has no sentence of another Latin language."""
    texts = Sentences.of(language)
    said = sentences("reception", summary, asks=True, texts=texts)
    press = texts.say(Sentence.PRESS_TO_TAKE, key="1")
    assert said[-1][0].endswith(press)
    assert said[-1][1] == language
    assert {tag for _, tag in said} <= {language, "ru-RU", "ja-JP", "ko-KR", "zh-CN", "hi-IN"}
    spoken = sum(seconds(text.removesuffix(press)) for text, _ in said)
    assert spoken + (1.65 if language.startswith("en") else seconds(press)) <= LONGEST + 0.01
    assert press_again(texts) == [(press, language)]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fr-FR", "Appel pour desk : Eine Rechnung. Tapez 1 pour répondre."),
        ("de-DE", "Anruf für desk: Eine Rechnung. Annehmen mit der 1."),
        ("hi-IN", "desk के लिए कॉल: Eine Rechnung। लेने के लिए 1 दबाएँ।"),
    ],
)
def test_latin_words_are_read_in_the_language_of_the_conversation(language: str, said: str) -> None:
    """No script tells French from German."""
    texts = Sentences.of(language)
    assert sentences("desk", summarise([], "Eine Rechnung.", texts), asks=True, texts=texts) == [(said, language)]


@pytest.mark.parametrize(
    ("accept", "asked"),
    [(Accept.AUTO, {"sales"}), (Accept.KEY, {"desk", "sales"}), (Accept.NONE, set())],
)
def test_who_has_to_press_a_key(accept: Accept, asked: set[str]) -> None:
    """By default a person called by telephone number presses a key, because a voicemail may answer."""
    people = parse("desk=sip:desk@pbx.example;transport=tls,sales=tel:+46850000000")
    board = TransferService(lambda _: people, CONTROL, NOTES, base_url=BASE, ring=timedelta(seconds=20), accept=accept)
    urls = {
        name: read(board.document(TransferContext(CALL, name, "hello")))[0][0].attrib["url"] for name in board.names("")
    }
    assert {name for name, url in urls.items() if "accept" in parse_qs(urlsplit(url).query)} == asked
    queries = [urlsplit(url).query.split("&") for url in urls.values()]
    assert all(query == sorted(query) for query in queries), "Twilio sorts a query after signing it"


@pytest.mark.parametrize("status", [401, 404, 429, 500])
async def test_twilio_is_asked_once(status: int) -> None:
    """The request is not retried, since a second one could transfer the caller twice."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, json={"code": 20500})

    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(transport=transport, base_url="https://api.twilio.com") as client:
        with pytest.raises(UpstreamError, match=str(status)):
            await transfer_service(client).connect(TransferContext(CALL, "desk", "hello"))
    [request] = asked
    assert request.url.path == f"/2010-04-01/Accounts/AC1/Calls/{CALL}.json"
    assert list(dict(parse_qsl(request.content.decode()))) == ["Twiml"]


@pytest.mark.parametrize(
    ("configured", "called", "shown"),
    [(None, None, None), (None, "+15005550001", "+15005550001"), ("+15005550002", "+15005550001", "+15005550002")],
)
def test_the_person_is_shown_a_number_that_twilio_takes(
    configured: str | None, called: str | None, shown: str | None
) -> None:
    """The setting comes first, then the called number of a caller without one; otherwise Twilio shows the caller's."""
    people = parse("desk=sip:desk@pbx.example,sales=tel:+46850000000")
    board = TransferService(
        lambda _: people, CONTROL, NOTES, base_url=BASE, ring=timedelta(seconds=20), caller_id=configured
    )
    for name in ("desk", "sales"):
        dial = read(board.document(TransferContext(CALL, name, "hello"), called))[0]
        assert dial.get("callerId") == shown
