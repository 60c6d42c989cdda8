"""A warm transfer to a person on a real SIP telephone, and the return to an agent that knows the outcome."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from standins.nova.backend import Step
from standins.nova.faults import ModelFault
from standins.sip import PersonScript, SipPhone
from standins.sip.sip_phone import Behaviour
from standins.twilio import mulaw
from standins.twilio.call_server import RestFault
from standins.twilio.server import TwilioExchange
from tests.integration.conftest import House
from tests.support.audit import Audit
from tests.support.caller import Caller
from tests.support.phone_process import PhoneProcess
from tests.support.score import Turn, note, notes_in, short_notes, use
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

WHISPER, WORDS = 1500, 1000
"""Frequencies in Hz of the exchange's voice and of the person's."""


def tone(hertz: int, milliseconds: int) -> bytes:
    """Make a tone, 16-bit PCM at 8 kHz."""
    times = np.arange(8 * milliseconds) / 8000
    return (8000 * np.sin(2 * np.pi * hertz * times)).astype(np.int16).tobytes()


async def _whistle(_text: str, _rate: int) -> bytes:
    return tone(WHISPER, 400)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def person() -> AsyncIterator[SipPhone]:
    """A person with a telephone."""
    async with SipPhone() as person:
        yield person


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def surroundings(house: House) -> AsyncIterator[House]:
    """Return the stand-ins, with an exchange whose voice is short."""
    async with TwilioExchange(house.exchange.settings, speak=_whistle) as exchange:
        yield replace(house, exchange=exchange)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service(surroundings: House, person: SipPhone) -> AsyncIterator[PhoneProcess]:
    """Return the phone service, which knows one person at two addresses: over UDP and over TCP."""
    settings = {
        "TRANSFER_DESTINATIONS": f"reception={person.address},sales={person.address};transport=tcp",
        "TRANSFER_RING_SECONDS": "5",
        "FALLBACK_DESTINATION": person.address,
    }
    async with surroundings.start_phone("transfer", **settings) as service:
        yield service


@pytest_asyncio.fixture(loop_scope="session")
async def dial(service: PhoneProcess, surroundings: House, person: SipPhone) -> AsyncIterator[Callable[[], Caller]]:
    """Return a function that calls the service; a person answers, and the call leaves nothing behind."""
    surroundings.score.plan = short_notes
    person.script = PersonScript(words=mulaw.encode(tone(WORDS, 400)), talk_seconds=1.0)
    person.calls.clear()
    surroundings.exchange.rest_requests = 0
    audit = Audit(service, surroundings.nova.ledger)
    yield lambda: Caller(surroundings.exchange, service.url)
    surroundings.nova.faults.clear()
    surroundings.exchange.rest_faults.clear()
    await until(lambda: _is_idle(service, surroundings), 10.0)
    await audit.balance()


async def _is_idle(service: PhoneProcess, house: House) -> bool:
    return house.nova.ledger.streams_open == 0 and await service.sessions() == 0


def asking(destination: str) -> Callable[[Turn], Sequence[Step]]:
    """Make the model request a person whenever the caller says something."""

    def plan(turn: Turn) -> Sequence[Step]:
        asks = use("transfer_to_human", destination=destination, reason="The caller wants a person.")
        return [note(400, 300)] if turn.number == 0 else [asks]

    return plan


@pytest.mark.parametrize("destination", ["reception", pytest.param("sales", marks=pytest.mark.thorough)])
async def test_asked_for_by_voice_and_answered(
    service: PhoneProcess, surroundings: House, person: SipPhone, dial: Callable[[], Caller], destination: str
) -> None:
    """A spoken request announces the transfer, rings with a header, whispers, connects, and ends when they hang up."""
    surroundings.score.plan = asking(destination)
    async with dial() as caller:
        await caller.greeted()
        await caller.speak()
        dialled = await caller.until("dial")
        await caller.until("dial_bridged")
        await caller.speak(600)
        ended = await caller.until("ended", 10)
    assert (ended.fields["reason"], surroundings.exchange.rest_requests) == ("hung_up_by_document", 1)
    assert dialled.at > (await caller.until("mark", count=2)).at, "the announcement was not heard to its end"
    assert caller.notes()[:2] == [400, 2000]
    assert WORDS in caller.notes()
    assert WHISPER not in caller.notes(), "the caller heard what is for the person"
    [taken] = person.calls
    assert taken.headers["x-call-summary"].startswith("Reason: The caller wants a person. The caller said:")
    assert taken.headers["x-twilio-callsid"] == caller.sid
    heard = mulaw.decode(bytes(taken.heard))
    assert notes_in(heard)[0] == WHISPER
    assert _has_noise(heard), "the person did not hear the caller"
    assert taken.outcome == "hung_up"
    record = await service.record(caller.sid)
    assert (record["reason"], record["tools"]) == ("transferred", {"transfer_to_human": 1})
    [asked] = service.lines("transfer_asked", call_sid=caller.sid)
    assert (asked["destination"], asked["by"]) == (destination, "tool")
    assert service.lines("transfer_ended", call_sid=caller.sid)[0]["status"] == "completed"


def _has_noise(pcm: bytes) -> bool:
    """Return whether this is noise, not a tone: almost as loud as a telephone carries."""
    return int(np.abs(np.frombuffer(pcm, np.int16).astype(int)).max()) > 30_000


_STATUS: dict[Behaviour, str] = {"busy": "busy", "declines": "busy", "silent": "no-answer", "hangs_up": "completed"}


@pytest.mark.parametrize(
    "behaviour",
    ["declines", *(pytest.param(one, marks=pytest.mark.thorough) for one in ("hangs_up", "busy", "silent"))],
)
async def test_nobody_is_free(
    service: PhoneProcess, surroundings: House, person: SipPhone, dial: Callable[[], Caller], behaviour: Behaviour
) -> None:
    """After a failed transfer the caller returns to an informed agent; it accepts a second request, not a third.

    A person who hangs up during the whisper completed a call, but not with the caller.
    """
    person.script = PersonScript(behaviour)
    surroundings.score.plan = asking("reception")
    async with dial() as caller:
        await caller.greeted()
        await caller.speak()
        for back in (1, 2):
            assert (await caller.until("dial_ended", 12, count=back)).fields["status"] == _STATUS[behaviour]
            await caller.until("stream_started", count=back + 1)
            await caller.until("mark", count=2 * back + 1)
            await caller.speak()  # the model requests a transfer again
        await caller.until("mark", count=6)
        assert caller.notes()[-1] == 2500, "the model was not told that it failed"
        assert surroundings.exchange.rest_requests == 2
    assert len(person.calls) >= 2
    session = surroundings.nova.ledger.sessions[service.model_sessions(caller.sid)[-1]]
    assert "nobody was free" in session.heard[0].text
    assert "The caller wants a person." in session.heard[0].text
    assert "reception" in session.heard[0].text
    await until(lambda: len(service.lines("session_ended", call_sid=caller.sid)) == 3, 5)
    reasons = [line["reason"] for line in service.lines("session_ended", call_sid=caller.sid)]
    assert reasons == ["transferred", "transferred", "caller_hung_up"]
    refused = service.lines("tool_failed", call_sid=caller.sid, tool="transfer_to_human")
    assert [line["error"] for line in refused] == ["already_transferred"]


async def test_who_comes_back_is_remembered(surroundings: House, person: SipPhone, tmp_path: Path) -> None:
    """With a call store, any task has the whole conversation after a transfer, and rejects the third one."""
    person.script = PersonScript("busy")
    surroundings.score.plan = asking("reception")
    settings = {
        "TRANSFER_DESTINATIONS": f"reception={person.address}",
        "CALL_STORE": f"file:{tmp_path}",
    }
    async with (
        surroundings.start_phone("transfer-remembered", **settings) as phone,
        Caller(surroundings.exchange, phone.url) as caller,
    ):
        await caller.greeted()
        await caller.speak()
        for back_again in (1, 2):
            await caller.until("stream_started", 12, count=back_again + 1)
            await caller.until("mark", count=2 * back_again + 1)
            await caller.speak()
        await caller.until("mark", count=6)
        back = surroundings.nova.ledger.sessions[phone.model_sessions(caller.sid)[-1]]
        assert back.history[0] == ("USER", "turn 1")
        assert "nobody was free" in back.heard[0].text
        refused = phone.lines("tool_failed", call_sid=caller.sid, tool="transfer_to_human")
        assert [line["error"] for line in refused] == ["already_transferred"]


@pytest.mark.thorough  # a caller waits for a minute
async def test_whose_place_was_taken_meanwhile_waits_for_another(surroundings: House, person: SipPhone) -> None:
    """A caller who returns to a full task waits for a slot, and the agent knows the outcome."""
    person.script = PersonScript("silent")
    surroundings.score.plan = lambda turn: asking("reception")(turn) if turn.number < 2 else short_notes(turn)
    settings = {
        "TRANSFER_DESTINATIONS": f"reception={person.address}",
        "TRANSFER_RING_SECONDS": "5",
        "MAX_SESSIONS": "1",
    }
    async with (
        surroundings.start_phone("transfer-full", **settings) as phone,
        Caller(surroundings.exchange, phone.url) as caller,
    ):
        await caller.greeted()
        await caller.speak()
        await caller.until("dial_ringing")
        await until(lambda: bool(phone.lines("session_ended", call_sid=caller.sid)))
        async with Caller(surroundings.exchange, phone.url) as other:
            await other.greeted()
            await until(lambda: bool(phone.lines("call_rejected", call_sid=caller.sid)), 12)
        await caller.until("stream_started", count=2)
        await caller.until("mark", count=3)
        back = surroundings.nova.ledger.sessions[phone.model_sessions(caller.sid)[-1]]
        assert "nobody was free" in back.heard[0].text
        assert len(phone.lines("transfer_ended", call_sid=caller.sid)) == 1


async def test_a_storm_of_keys_in_the_middle_of_a_sentence(
    service: PhoneProcess, surroundings: House, person: SipPhone, dial: Callable[[], Caller]
) -> None:
    """Key 0 during a sentence stops the agent and calls one person once, however often the caller presses it."""
    surroundings.score.plan = lambda turn: [note(400 + 200 * turn.number, 300 if turn.number else 5000)]
    async with dial() as caller:
        await caller.until("sound_begins")
        await asyncio.sleep(0.5)
        caller.call.press("0" * 200)
        await caller.until("clear")
        await caller.until("dial_bridged", 12)
        assert caller.notes()[:2] == [400, 600]
        assert surroundings.exchange.rest_requests == 1
    assert len(person.calls) == 1
    assert (await service.record(caller.sid))["reason"] == "transferred"
    [asked] = service.lines("transfer_asked", call_sid=caller.sid)
    assert (asked["destination"], asked["by"]) == ("reception", "key")


async def test_a_postcode_with_a_zero_in_it(
    service: PhoneProcess, surroundings: House, person: SipPhone, dial: Callable[[], Caller]
) -> None:
    """A postcode with a zero, typed at human speed, stops the agent and reaches the model as one input.

    It starts no transfer.
    """
    surroundings.score.plan = lambda turn: [note(400 + 200 * turn.number, 300 if turn.number else 5000)]
    async with dial() as caller:
        await caller.until("sound_begins")
        await asyncio.sleep(0.5)
        for key in "94105#":
            caller.call.press(key)
            await asyncio.sleep(0.12)
        await caller.until("mark")
        assert caller.notes() == [400, 600]
        cleared = caller.timeline.named("clear")[0]
        assert cleared.at < caller.timeline.named("dtmf")[-1].at, "the agent talked on"
        heard = surroundings.nova.ledger.sessions[service.model_sessions(caller.sid)[-1]].heard
        assert [words.text for words in heard][1:] == ["The caller typed 94105 on the telephone keypad."]
        assert caller.timeline.last("dial") is None
    assert person.calls == []
    assert (await service.record(caller.sid))["reason"] == "caller_hung_up"
    assert "94105" not in service.log.read_text()


@pytest.mark.thorough  # the fallback of the whole call; the tests of faults cover it, too
async def test_the_model_failed(
    service: PhoneProcess, surroundings: House, person: SipPhone, dial: Callable[[], Caller]
) -> None:
    """After a model failure, the verbs that Twilio already holds dial a person without any task of ours."""
    surroundings.nova.faults.add(ModelFault(on="open", times=None, error="AccessDeniedException"))
    async with dial() as caller:
        await caller.until("dial_bridged", 15)
        await caller.speak()
        await caller.until("ended", 10)
        assert WORDS in caller.notes()
    assert [taken.outcome for taken in person.calls] == ["hung_up"]
    assert (await service.record(caller.sid))["reason"] == "model_rejected"
    assert surroundings.exchange.rest_requests == 0


async def test_a_key_while_the_agent_is_sorry(
    service: PhoneProcess, surroundings: House, person: SipPhone, dial: Callable[[], Caller]
) -> None:
    """Key 0 during the apology dials the person at once, by our request and without an announcement."""
    surroundings.nova.faults.add(ModelFault(on="open", times=None, error="AccessDeniedException"))
    async with dial() as caller:
        await caller.until("sound_begins")
        caller.call.press("0")
        await caller.until("rest", 2)
        await caller.until("dial_bridged", 12)
        assert caller.timeline.last("say") is None
    assert surroundings.exchange.rest_requests == len(person.calls) == 1
    assert (await service.record(caller.sid))["reason"] == "transferred"


async def test_whatever_is_not_configured_is_refused(
    service: PhoneProcess, surroundings: House, person: SipPhone, dial: Callable[[], Caller]
) -> None:
    """The service rejects numbers, addresses and names that the model invents, and the call continues."""
    wishes = [{}, *({"destination": wish} for wish in ("+19005550100", "sip:evil@example.com", "the president", None))]
    surroundings.score.plan = lambda turn: (
        [use("transfer_to_human", reason="!", **wishes[turn.number - 1])]
        if 1 <= turn.number <= len(wishes)
        else short_notes(turn)
    )
    async with dial() as caller:
        await caller.greeted()
        for _ in wishes:
            await caller.ask()
        assert caller.notes() == [400, 2500], "the model was not told that it failed"
        await caller.ask()
        assert caller.notes() == [400, 2500, 1600]
        assert caller.timeline.last("dial") is None
    assert (surroundings.exchange.rest_requests, person.calls) == (0, [])
    assert (await service.record(caller.sid))["reason"] == "caller_hung_up"
    refused = service.lines("tool_failed", call_sid=caller.sid, tool="transfer_to_human")
    assert [line["error"] for line in refused] == ["invalid_arguments"] * len(wishes)
    assert "19005550100" not in service.log.read_text()


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(RestFault(404), id="404"),
        pytest.param(RestFault(500, hang_seconds=4.5), id="hanging"),
        *(pytest.param(RestFault(one), id=str(one), marks=pytest.mark.thorough) for one in (401, 429, 500)),
    ],
)
async def test_twilio_does_not_do_it(
    service: PhoneProcess, surroundings: House, person: SipPhone, dial: Callable[[], Caller], fault: RestFault
) -> None:
    """When Twilio does not perform the transfer, the agent says so within five seconds and continues."""
    surroundings.score.plan = lambda turn: asking("reception")(turn) if turn.number < 2 else short_notes(turn)
    surroundings.exchange.rest_faults.append(fault)
    async with dial() as caller:
        await caller.greeted()
        await caller.ask()
        announced = time.monotonic()
        await caller.until("mark", count=3)
        assert time.monotonic() - announced < 5 + 1, "more than five seconds after the pause that follows the words"
        assert caller.notes() == [400, 2000, 800]
        await caller.ask()
        assert surroundings.exchange.rest_requests == 1
    assert person.calls == []
    assert (await service.record(caller.sid))["reason"] == "caller_hung_up"
    assert service.lines("transfer_failed", call_sid=caller.sid, destination="reception")


async def test_the_caller_hangs_up_while_it_rings(
    service: PhoneProcess, surroundings: House, person: SipPhone, dial: Callable[[], Caller]
) -> None:
    """When the caller hangs up during ringing, the telephone stops ringing and no agent resumes the call."""
    person.script = PersonScript("silent")
    surroundings.score.plan = asking("reception")
    async with dial() as caller:
        await caller.greeted()
        await caller.speak()
        await caller.until("dial_ringing")
    await until(person.calls[0].over.is_set, 5)
    assert person.calls[0].outcome == "cancelled"
    assert (await service.record(caller.sid))["reason"] == "transferred"
    assert len(service.model_sessions(caller.sid)) == 1
