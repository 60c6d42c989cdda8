"""Malformed messages on a live stream: the service drops and counts them, and the call continues."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import House
from tests.support.caller import Caller, noise
from tests.support.phone_process import PhoneProcess
from tests.support.stranger import Stranger, close_code
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

MALFORMED = json.loads((Path(__file__).parents[1] / "fixtures/twilio/malformed_messages.json").read_text())


def _sound(stream_sid: str, number: int) -> str:
    payload = b64encode(noise(20)).decode()
    media = {"track": "inbound", "chunk": str(number), "timestamp": str(number * 20), "payload": payload}
    return json.dumps({"event": "media", "sequenceNumber": str(number), "media": media, "streamSid": stream_sid})


async def test_every_kind_of_malformed_message_is_dropped_and_counted(
    phone: PhoneProcess, dial: Callable[[], Caller]
) -> None:
    """One call gets every kind of malformed message, and the agent still answers the caller's question."""
    assert len(MALFORMED) > 20
    async with dial() as caller:
        await caller.greeted()
        stream_sid = str((await caller.until("stream_started")).fields["stream_sid"])
        for message in MALFORMED:
            caller.send_raw(message["text"].replace("$STREAM_SID", stream_sid))
            await asyncio.sleep(0.05)  # two packets of audio: without any between them this would not be a call
        await caller.ask()
        assert caller.notes() == [400, 600]
    record = await phone.record(caller.sid)
    assert record["malformed_messages"] == len(MALFORMED)
    assert record["reason"] == "caller_hung_up"
    assert record["caller_turns"] == 1


async def test_sound_of_another_stream_does_not_reach_the_model(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller]
) -> None:
    """Loud audio with the identifier of another stream is not a turn of this caller."""
    async with dial() as caller:
        await caller.greeted()
        for number in range(1, 51):
            caller.send_raw(_sound("MZ" + "0" * 32, 100_000 + number))
        caller.send_raw(json.dumps({"event": "stop", "streamSid": "MZ" + "0" * 32, "stop": {}}))
        caller.send_raw(json.dumps({"event": "start", "streamSid": "MZ" + "0" * 32}))
        await caller.ask()
        assert caller.notes() == [400, 600]
    record = await phone.record(caller.sid)
    assert record["ignored_messages"] == 51
    (model_session,) = phone.model_sessions(caller.sid)
    assert len(house.nova.ledger.sessions[model_session].heard) == 2


async def test_sound_of_another_call_does_not_cross(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller]
) -> None:
    """Audio that one live call sends with another call's identifier reaches neither model."""
    async with dial() as victim, dial() as intruder:
        await victim.greeted()
        await intruder.greeted()
        stream_sid = str((await victim.until("stream_started")).fields["stream_sid"])
        for number in range(1, 31):
            intruder.send_raw(_sound(stream_sid, 100_000 + number))
        await victim.ask()
        assert victim.notes() == [400, 600]
        assert intruder.notes() == [400]
        for caller, heard in ((victim, 2), (intruder, 1)):
            (model_session,) = phone.model_sessions(caller.sid)
            assert len(house.nova.ledger.sessions[model_session].heard) == heard


async def test_a_stream_of_nothing_but_nonsense_is_closed(phone: PhoneProcess, dial: Callable[[], Caller]) -> None:
    """The service closes a stream of malformed messages only; the fallback verbs explain it to the caller."""
    async with dial() as caller:
        await caller.greeted()
        for _ in range(120):
            caller.send_raw("hello")
        await caller.until("say")
    record = await phone.record(caller.sid)
    assert record["reason"] == "protocol_error"


async def test_a_message_beyond_all_bounds_ends_the_stream(phone: PhoneProcess, stranger: Stranger) -> None:
    """The service ends a stream that sends a message of one megabyte, without reading the message."""
    invitation = await stranger.ring()
    async with await stranger.open_stream() as socket:
        await stranger.begin(socket, invitation.ticket)
        await until(lambda: bool(phone.lines("session_started", call_sid=stranger.call_sid)))
        await socket.send("x" * 1_000_000)
        assert await close_code(socket) == 1009
    record = await phone.record(stranger.call_sid)
    assert record["reason"] == "media_disconnected"


async def test_a_binary_message_is_a_malformed_one(phone: PhoneProcess, stranger: Stranger) -> None:
    """A binary message is malformed, because Twilio sends only text."""
    invitation = await stranger.ring()
    async with await stranger.open_stream() as socket:
        announcer = await stranger.begin(socket, invitation.ticket)
        await until(lambda: bool(phone.lines("session_started", call_sid=stranger.call_sid)))
        await socket.send(noise(20))
        await socket.send(announcer.stop())
        assert await close_code(socket) == 1000
    record = await phone.record(stranger.call_sid)
    assert (record["malformed_messages"], record["reason"]) == (1, "caller_hung_up")
