"""A transfer connects a caller only to a person who has pressed a key, never to a voicemail."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest
import pytest_asyncio

from standins.nova.backend import Step
from standins.sip import PersonScript, SipPhone
from standins.twilio import mulaw
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import DialScript
from tests.integration.conftest import House
from tests.support.audit import Audit
from tests.support.caller import Caller
from tests.support.phone_process import PhoneProcess
from tests.support.score import Turn, note, use
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = 1000
"""Frequency in Hz of the person's voice."""
CONNECTED_SECONDS = 3.0
"""Seconds from the key to the connection."""


def tone(hertz: int, milliseconds: int) -> bytes:
    """Make a tone, 16-bit PCM at 8 kHz."""
    times = np.arange(8 * milliseconds) / 8000
    return (8000 * np.sin(2 * np.pi * hertz * times)).astype(np.int16).tobytes()


SUMMARY = (
    "A call for mobile. Reason: The caller has an invoice. The caller said: “I have an invoice, paid twice” And: "
    "“I want to talk to a human” The assistant answered: “Hello! I am the voice assistant. Ask me about the weather.”"
)
"""A whisper before it was shortened."""


def _reading_seconds(text: str) -> float:
    return len(text) / 16


async def _speak(text: str, _rate: int) -> bytes:
    """Wait as long as a person takes to say it."""
    return tone(1500, round(1000 * _reading_seconds(text)))


def asking(turn: Turn) -> Sequence[Step]:
    """Make the model request the person with a telephone number, once."""
    asks = use("transfer_to_human", destination="mobile", reason="The caller has an invoice.")
    return [asks] if turn.number == 1 and not turn.remembers else [note(400, 300)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def person() -> AsyncIterator[SipPhone]:
    """A person with a SIP telephone."""
    async with SipPhone() as person:
        yield person


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def exchange(house: House) -> AsyncIterator[TwilioExchange]:
    """Return an exchange whose voice has a realistic speed."""
    async with TwilioExchange(house.exchange.settings, speak=_speak) as exchange:
        yield exchange


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service(house: House, exchange: TwilioExchange, person: SipPhone) -> AsyncIterator[PhoneProcess]:
    """Return the phone service, which requires a key from each called person."""
    settings = {
        "TRANSFER_DESTINATIONS": f"mobile=tel:+46850000000,desk={person.address},"
        f"team=tel:+46850000000|{person.address}",
        "TRANSFER_ACCEPT": "key",
        "TRANSFER_RING_SECONDS": "5",
        "TWILIO_API_BASE_URL": exchange.url,
    }
    async with house.start_phone("accept", **settings) as service:
        yield service


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def balance(service: PhoneProcess, house: House, person: SipPhone) -> AsyncIterator[None]:
    """Check that everything is released."""
    house.score.plan = asking
    person.calls.clear()
    audit = Audit(service, house.nova.ledger)
    yield
    await until(lambda: _is_idle(service, house), 10.0)
    await audit.balance()


async def _is_idle(service: PhoneProcess, house: House) -> bool:
    return house.nova.ledger.streams_open == 0 and await service.sessions() == 0


async def test_a_person_who_presses_the_key_is_connected(service: PhoneProcess, exchange: TwilioExchange) -> None:
    """The key connects at once during the whisper, long before the end of the old, full summary.

    The caller hears ringing until then. The call ends after their conversation.
    """
    async with Caller(exchange, service.url, dial=DialScript(presses="1", press_seconds=2.5)) as caller:
        await caller.greeted()
        await caller.speak()
        whisper = await caller.until("whisper", 12, count=1)
        gathered = await caller.until("gathered", 12)
        bridged = await caller.until("dial_bridged")
        assert bridged.at - gathered.at < CONNECTED_SECONDS
        answered = caller.timeline.named("dial_answered")[0]
        assert (bridged.at - answered.at) / _reading_seconds(SUMMARY) < 1 / 3
        ended = await caller.until("ended", 10)
    assert whisper.fields["text"] == "Caller for mobile: has an invoice. Press 1 to take the call."
    assert ended.fields["reason"] == "hung_up_by_document"
    assert (await service.record(caller.sid))["reason"] == "transferred"
    [accepted] = service.lines("transfer_accepted", call_sid=caller.sid)
    assert (accepted["destination"], accepted["address"]) == ("mobile", 0)
    assert accepted["after_answer_s"] <= accepted["after_request_s"] < 10
    [leg_ended] = service.lines("transfer_ended", call_sid=caller.sid)
    assert (leg_ended["destination"], leg_ended["answered"], leg_ended["taken_by"]) == ("mobile", True, 0)
    assert "46850000000" not in service.log.read_text()


@pytest.mark.parametrize(
    ("keys", "connected"), [("51", True), pytest.param("##", False, marks=pytest.mark.thorough)], ids=["5, 1", "#, #"]
)
async def test_another_key_is_asked_about_once(
    service: PhoneProcess,
    exchange: TwilioExchange,
    keys: str,
    connected: bool,  # noqa: FBT001 - two cases
) -> None:
    """One wrong key repeats the question; a second wrong key declines the call."""
    script = DialScript(presses=keys, press_seconds=2.0, key_seconds=2.0)
    async with Caller(exchange, service.url, dial=script) as caller:
        await caller.greeted()
        await caller.speak()
        await caller.until("dial_bridged" if connected else "whisper_hung_up", 20)
        said = [str(event.fields["text"]) for event in caller.timeline.named("whisper")]
        assert said[1:] == ["Press 1 to take the call."]
        if not connected:
            await caller.until("mark", count=3)


@pytest.mark.parametrize(
    "first", [DialScript(presses=""), pytest.param(DialScript("busy"), marks=pytest.mark.thorough)]
)
async def test_the_next_address_is_tried(
    service: PhoneProcess, house: House, exchange: TwilioExchange, person: SipPhone, first: DialScript
) -> None:
    """A voicemail does not get the caller; the next address does, whose person presses the key."""
    house.score.plan = lambda turn: (
        [use("transfer_to_human", destination="team", reason="An invoice.")] if turn.number == 1 else [note(400, 300)]
    )
    person.script = PersonScript(words=mulaw.encode(tone(WORDS, 400)), presses="1", talk_seconds=1.0)
    async with Caller(exchange, service.url, dial=first) as caller:
        await caller.greeted()
        await caller.speak()
        await caller.until("dial_bridged", 40)
        await caller.until("ended", 10)
        assert len(caller.timeline.named("dial")) == 2
        assert len(caller.timeline.named("stream_started")) == 1
        said = [str(event.fields["text"]) for event in caller.timeline.named("whisper")]
        assert set(said) == {"Caller for team: An invoice. Press 1 to take the call."}
    [taken] = person.calls
    assert taken.headers["x-call-summary"].startswith("Reason: An invoice.")
    assert (await service.record(caller.sid))["reason"] == "transferred"
    [went_on] = service.lines("transfer_goes_on", call_sid=caller.sid)
    [ended] = service.lines("transfer_ended", call_sid=caller.sid)
    assert (went_on["address"], ended["taken_by"], ended["answered"]) == (0, 1, True)
    assert service.lines("transfer_accepted", call_sid=caller.sid)[0]["address"] == 1


@pytest.mark.thorough
async def test_the_whisper_is_short_and_says_what_it_is_about(service: PhoneProcess, exchange: TwilioExchange) -> None:
    """The whisper has the reason and the key, without repetition, in five seconds, and waits five more."""
    async with Caller(exchange, service.url, dial=DialScript(presses="")) as caller:
        await caller.greeted()
        await caller.speak()
        await caller.until("whisper_hung_up", 25)
        said = [str(event.fields["text"]) for event in caller.timeline.named("whisper")]
        answered = caller.timeline.named("dial_answered")[0]
        assert said == ["Caller for mobile: has an invoice. Press 1 to take the call."]
        assert caller.timeline.named("whisper_hung_up")[0].at - answered.at < 5 + 7 + 1
        await caller.until("mark", count=3)
    await until(lambda: len(service.lines("session_ended", call_sid=caller.sid)) == 2, 5)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(DialScript(presses=""), marks=pytest.mark.thorough),
        pytest.param(DialScript(presses="1", press_seconds=60), marks=pytest.mark.thorough),
        DialScript(hangs_up_seconds=1.0),
    ],
    ids=["voicemail", "key too late", "hangs up in the whisper"],
)
async def test_without_a_key_the_caller_is_back_with_the_agent(
    service: PhoneProcess, house: House, exchange: TwilioExchange, script: DialScript
) -> None:
    """Without a key, the caller returns once to an informed agent, and no second person is called."""
    async with Caller(exchange, service.url, dial=script) as caller:
        await caller.greeted()
        await caller.speak()
        await caller.until("stream_started", 30, count=2)
        await caller.until("mark", count=3)
        await caller.ask()
        assert caller.timeline.last("dial_bridged") is None
        assert len(caller.timeline.named("dial")) == 1
        assert len(caller.timeline.named("stream_started")) == 2
        back = house.nova.ledger.sessions[service.model_sessions(caller.sid)[-1]]
        assert "nobody was free" in back.heard[0].text
        assert "The caller has an invoice." in back.heard[0].text
    await until(lambda: len(service.lines("session_ended", call_sid=caller.sid)) == 2, 5)
    reasons = [line["reason"] for line in service.lines("session_ended", call_sid=caller.sid)]
    assert reasons == ["transferred", "caller_hung_up"]
    [ended] = service.lines("transfer_ended", call_sid=caller.sid)
    assert ended["answered"] is False
    assert service.lines("transfer_accepted", call_sid=caller.sid) == []


@pytest.mark.thorough
@pytest.mark.parametrize("when", ["dial", "whisper"])
async def test_a_caller_who_hangs_up_while_it_rings_or_whispers(
    service: PhoneProcess, exchange: TwilioExchange, when: str
) -> None:
    """A caller who hangs up during ringing or the whisper leaves one end record and resumes no agent."""
    async with Caller(exchange, service.url, dial=DialScript(presses="")) as caller:
        await caller.greeted()
        await caller.speak()
        await caller.until(when, 12)
        await asyncio.sleep(0.5)
    assert (await service.record(caller.sid))["reason"] == "transferred"
    await until(lambda: bool(service.lines("transfer_ended", call_sid=caller.sid)))
    assert len(service.lines("session_ended", call_sid=caller.sid)) == 1
    assert len(service.model_sessions(caller.sid)) == 1


@pytest.mark.thorough
@pytest.mark.parametrize("behaviour", ["presses", "voicemail"])
async def test_on_a_sip_telephone(
    service: PhoneProcess, house: House, exchange: TwilioExchange, person: SipPhone, behaviour: str
) -> None:
    """A SIP telephone sends keys as RFC 4733 events; a PBX voicemail sends none and gets no caller."""
    house.score.plan = lambda turn: (
        [use("transfer_to_human", destination="desk", reason="An invoice.")] if turn.number == 1 else [note(400, 300)]
    )
    words = mulaw.encode(tone(WORDS, 400))
    if behaviour == "presses":
        person.script = PersonScript(words=words, presses="1", talk_seconds=1.0)
    else:
        person.script = PersonScript("voicemail", words=words * 5, talk_seconds=40)
    async with Caller(exchange, service.url) as caller:
        await caller.greeted()
        await caller.speak()
        if behaviour == "presses":
            await caller.until("dial_bridged", 20)
            await caller.until("ended", 10)
            assert WORDS in caller.notes()
        else:
            await caller.until("stream_started", 30, count=2)
            assert caller.timeline.last("dial_bridged") is None
            assert WORDS not in caller.notes(), "the caller heard a voicemail"
            await caller.until("mark", count=3)
    [taken] = person.calls
    assert taken.outcome == ("hung_up" if behaviour == "presses" else "left")
