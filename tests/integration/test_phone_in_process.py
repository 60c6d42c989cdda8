"""What only a test inside the process can measure: the delay of `clear` after a barge-in, and leaked tasks."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from starlette.websockets import WebSocket, WebSocketDisconnect

from agent_core.events import EndReason
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import ExchangeSettings
from tests.support import scripted_model as say
from tests.support.agents import one_agent
from tests.support.caller import Caller
from tests.support.phone_in_process import PhoneInProcess, phone_in_process
from tests.support.scripted_model import ScriptedModel
from tests.support.stranger import Stranger, next_event
from tests.support.waiting import until

SECOND = b"\x00\x10" * 8000
CLEAR_WITHIN = 0.050
"""Seconds from INTERRUPTED in our process to `clear` on the wire: the promised limit."""


@pytest_asyncio.fixture
async def exchange() -> AsyncIterator[TwilioExchange]:
    """Run a telephone exchange in the test's own loop."""
    async with TwilioExchange(ExchangeSettings()) as running:
        yield running


@pytest_asyncio.fixture
async def phone(exchange: TwilioExchange) -> AsyncIterator[PhoneInProcess]:
    """Run the service with a model that says only what the test scripts."""
    async with phone_in_process(exchange, ScriptedModel()) as running:
        yield running


async def _seconds_to_clear(phone: PhoneInProcess, exchange: TwilioExchange, number: int) -> float:
    """Interrupt a long reply; return the seconds from the event's arrival to `clear` at the socket's other end."""
    stranger = Stranger(phone.url, exchange.settings)
    invitation = await stranger.ring()
    async with await stranger.open_stream() as socket:
        await stranger.begin(socket, invitation.ticket)
        stream = await phone.model.stream(number)
        stream.say(*say.text_block("ASSISTANT", "A long answer.", speculative=True), say.audio_start())
        stream.say(*[say.audio(SECOND)] * 5)
        await next_event(socket, "media")
        await asyncio.sleep(0.3)
        loop = asyncio.get_running_loop()
        began = loop.time()
        stream.say(*say.interruption(), say.audio(SECOND))
        await next_event(socket, "clear")
        elapsed = loop.time() - began
        await socket.send(stranger.announcer().stop())
    await stranger.aclose()
    await until(lambda: len(phone.records) == number + 1)
    return elapsed


async def test_clear_follows_an_interruption_within_fifty_milliseconds(
    phone: PhoneInProcess, exchange: TwilioExchange
) -> None:
    """`clear` follows each barge-in within 50 ms of virtual time, in three calls."""
    seconds = [await _seconds_to_clear(phone, exchange, number) for number in range(3)]
    assert max(seconds) < CLEAR_WITHIN, seconds
    assert [record.stats.interruptions for record in phone.records] == [1, 1, 1]


async def test_who_hangs_up_while_we_talk_is_not_lost(
    phone: PhoneInProcess, exchange: TwilioExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service still reads Twilio's last message when the socket stops accepting our audio just before."""

    async def broken(*_: object) -> None:
        raise WebSocketDisconnect(1006)

    stranger = Stranger(phone.url, exchange.settings)
    invitation = await stranger.ring()
    async with await stranger.open_stream() as socket:
        announcer = await stranger.begin(socket, invitation.ticket)
        stream = await phone.model.stream()
        monkeypatch.setattr(WebSocket, "send_text", broken)
        stream.say(*say.answer("A long answer.", SECOND))
        await asyncio.sleep(0.2)
        await socket.send(announcer.stop())
        await until(lambda: len(phone.records) == 1)
    await stranger.aclose()
    assert phone.records[0].reason is EndReason.CALLER_HUNG_UP


def _leave(caller: Caller, number: int) -> None:
    if number % 2:
        caller.call.hang_up()
    elif caller.call.stream is not None:
        caller.call.stream.break_off("rst")


async def test_no_task_and_no_place_is_left(phone: PhoneInProcess, exchange: TwilioExchange) -> None:
    """Calls that end during a reply leave no task and no slot, with a clean end or not, and with any model."""
    async with Caller(exchange, phone.url) as first:
        await first.until("stream_started")
        await phone.model.stream()
    await until(lambda: len(phone.records) == 1)
    before = len(asyncio.all_tasks())
    for number in range(8):
        caller = Caller(exchange, phone.url)
        await caller.__aenter__()
        stream = await phone.model.stream(number + 1)
        await stream.until_sent("audioInput")
        stream.say(*say.text_block("ASSISTANT", "A long answer.", speculative=True), say.audio_start())
        stream.say(say.audio(SECOND))
        await caller.until("sound_begins")
        if number % 4 == 3:
            stream.takes_events.clear()
        _leave(caller, number)
        await until(lambda done=number: len(phone.records) == done + 2)  # type: ignore[misc]
        caller.call.hang_up()
        await caller.until("ended", 10)
    await until(lambda: len(asyncio.all_tasks()) <= before + 2)
    assert phone.agent.admission.taken == phone.model.open_streams == len(phone.agent.sessions) == 0
    reasons = [record.reason for record in phone.records[1:]]
    assert reasons == [EndReason.MEDIA_DISCONNECTED, EndReason.CALLER_HUNG_UP] * 4


async def test_a_tool_call_that_nobody_waits_for_is_no_trouble(phone: PhoneInProcess, exchange: TwilioExchange) -> None:
    """A hang-up while a tool result is pending leaves one record and no task."""
    async with Caller(exchange, phone.url):
        stream = await phone.model.stream()
        stream.say(*say.tool_use("end_call", "use-1", {"reason": "nothing_left"}))
        await stream.until_sent("toolResult")
    await until(lambda: len(phone.records) == 1)
    assert phone.records[0].reason is EndReason.CALLER_HUNG_UP
    assert phone.model.open_streams == 0


async def test_a_call_that_cannot_be_set_up_keeps_nothing(phone: PhoneInProcess, exchange: TwilioExchange) -> None:
    """A defect before the conversation begins releases the slot and the model stream."""
    # The registry rejects two tools of one name.
    phone.agent.agents = one_agent(phone.agent.agents.default.tools[:1] * 2)
    stranger = Stranger(phone.url, exchange.settings)
    invitation = await stranger.ring()
    async with await stranger.open_stream() as socket:
        await stranger.begin(socket, invitation.ticket)
        await until(lambda: phone.agent.admission.taken == 0 and phone.model.open_streams == 0)
    await stranger.aclose()
    assert phone.model.streams
