"""A caller hears that an AI speaks, whatever they say meanwhile, and the record says whether they did."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection

from agent_core.events import Disclosure
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import ExchangeSettings
from tests.support import scripted_model as say
from tests.support.phone_in_process import PhoneInProcess, phone_in_process
from tests.support.scripted_model import GREETING, ScriptedModel, ScriptedStream
from tests.support.stranger import Stranger, next_event
from tests.support.waiting import until

SECOND = b"\x00\x10" * 8000


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


class Call:
    """A call whose other end the test is: nothing is echoed unless the test does it."""

    def __init__(self, phone: PhoneInProcess, exchange: TwilioExchange) -> None:
        self._phone = phone
        self._stranger = Stranger(phone.url, exchange.settings)

    async def run(self, *, after: float, sentence: bool, barge_in: bool = True) -> tuple[list[str], ScriptedStream]:
        """Greet, wait, barge in, wait and hang up; return the names of what was sent to the caller.

        Args:
            after: Seconds from the first audio to the barge-in.
            sentence: Whether the model has delivered the whole sentence by then.
            barge_in: Whether the caller speaks at all.
        """
        invitation = await self._stranger.ring()
        async with await self._stranger.open_stream() as socket:
            announcer = await self._stranger.begin(socket, invitation.ticket)
            stream = await self._phone.model.stream()
            stream.say(*say.text_block("ASSISTANT", GREETING, speculative=True))
            half = [say.audio_start(), say.audio(SECOND)]
            stream.say(*(say.audio_block(SECOND * 3, stop="PARTIAL_TURN") if sentence else half))
            await next_event(socket, "media")
            sent: list[str] = []
            reading = asyncio.create_task(_read(socket, sent))
            await asyncio.sleep(after)
            if barge_in:
                stream.say(*say.interruption())
            await asyncio.sleep(4.0)
            await socket.send(announcer.stop())
            await until(lambda: len(self._phone.records) == 1)
            reading.cancel()
        await self._stranger.aclose()
        return sent, stream


async def _read(socket: ClientConnection, sent: list[str]) -> None:
    async for text in socket:
        event: str = json.loads(text)["event"]
        sent.append(event)


@dataclass(frozen=True)
class BargeIn:
    """When the caller speaks, and what follows."""

    after: float
    """Seconds after the first audio."""
    sentence: bool
    """Whether the model has delivered the whole sentence by then."""
    cleared: bool
    """Whether the service stops Twilio."""
    disclosure: Disclosure


@pytest.mark.parametrize(
    "barge_in",
    [
        BargeIn(0.5, sentence=True, cleared=False, disclosure=Disclosure.HEARD),  # "hello?" into the silence before it
        BargeIn(1.5, sentence=True, cleared=True, disclosure=Disclosure.CUT),
        BargeIn(0.5, sentence=False, cleared=True, disclosure=Disclosure.CUT),  # the model itself stopped
        BargeIn(3.5, sentence=True, cleared=False, disclosure=Disclosure.HEARD),  # nothing is left to stop
    ],
)
async def test_a_barge_in_in_the_first_second_does_not_suppress_it(
    phone: PhoneInProcess, exchange: TwilioExchange, barge_in: BargeIn
) -> None:
    """Later ones cut it off, and the record says so. Half of a sentence is not kept: it is said again."""
    sent, _ = await Call(phone, exchange).run(after=barge_in.after, sentence=barge_in.sentence)
    assert ("clear" in sent) is barge_in.cleared
    assert [record.disclosure for record in phone.records] == [barge_in.disclosure]
    assert phone.records[0].stats.interruptions == 1


async def test_who_listens_has_heard_it(phone: PhoneInProcess, exchange: TwilioExchange) -> None:
    """The instruction to greet has the sentence word for word, and what to do after a barge-in."""
    _, stream = await Call(phone, exchange).run(after=0.1, sentence=True, barge_in=False)
    assert [record.disclosure for record in phone.records] == [Disclosure.HEARD]
    greeting = stream.texts("USER")[0]
    assert f'"{GREETING}"' in greeting
    assert "begin your next reply with it" in greeting


async def test_a_model_that_does_not_say_it_is_asked_for_it(phone: PhoneInProcess, exchange: TwilioExchange) -> None:
    """Once the caller has heard its greeting to the end; what it says then counts."""
    stranger = Stranger(phone.url, exchange.settings)
    invitation = await stranger.ring()
    async with await stranger.open_stream() as socket:
        announcer = await stranger.begin(socket, invitation.ticket)
        stream = await phone.model.stream()
        for words in ("Hello! How can I help?", GREETING):
            stream.say(*say.answer(words, SECOND))
            mark = await next_event(socket, "mark")
            await asyncio.sleep(1.2)
            await socket.send(announcer.mark(mark["mark"]["name"]))  # type: ignore[index]
            await asyncio.sleep(0.5)
        await socket.send(announcer.stop())
        await until(lambda: len(phone.records) == 1)
    await stranger.aclose()
    asked = [text for text in stream.texts("USER") if text.startswith("Tell the caller now that you are an AI")]
    assert len(asked) == 1
    assert GREETING in asked[0]
    assert phone.records[0].disclosure is Disclosure.HEARD
