"""A person is called because someone typed their number: nothing starts before they press 1."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
import pytest_asyncio

from phone_agent.called_routes import first_sentences
from standins.twilio.live import DialledCall
from standins.twilio.placing import WantedCall
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import DialScript, ExchangeSettings
from tests.support import scripted_model as say
from tests.support.phone_in_process import PhoneInProcess, phone_in_process
from tests.support.scripted_model import ScriptedModel
from tests.support.waiting import until

SECOND = b"\x00\x10" * 8000
PERSON = DialScript(ring_seconds=0.1, press_seconds=0.3)


def _exchange(**changed: object) -> TwilioExchange:
    return TwilioExchange(replace(ExchangeSettings(), dial=replace(PERSON, **changed)))  # type: ignore[arg-type]


@pytest_asyncio.fixture
async def exchange() -> AsyncIterator[TwilioExchange]:
    """Run a telephone exchange whose people answer and press 1."""
    async with _exchange() as running:
        yield running


def _call(exchange: TwilioExchange, phone: PhoneInProcess, query: str = "?by=Example+Ltd") -> DialledCall:
    url = f"{phone.url}/incoming-call/called{query}"
    return exchange.call_person(WantedCall("+46700000001", exchange.settings.numbers[0], url, ring_seconds=30))


async def test_who_presses_one_hears_the_agent(exchange: TwilioExchange) -> None:
    """The key opens the model, whose greeting reaches the person; the call has one end record."""
    async with phone_in_process(exchange, ScriptedModel()) as phone:
        call = _call(exchange, phone)
        stream = await phone.model.stream(0)
        await call.timeline.until("stream_started", 5)
        before = len(call.timeline.named("sound_begins"))  # the stand-in's own prompts
        stream.say(*say.answer("Hello!", SECOND))
        await call.timeline.until("sound_begins", 5, count=before + 1)
        call.hang_up()
        await until(lambda: len(phone.records) == 1)
        await call.timeline.until("ended", 5)
    asked = [event.fields["text"] for event in call.timeline.named("say")]
    assert asked[0] == first_sentences("Example Ltd")
    assert phone.records[0].call_sid == call.sid
    # In this order: asked, pressed, and only then connected.
    names = [event.name for event in call.timeline.events if event.name in {"say", "dtmf", "stream_started"}]
    assert names == ["say", "dtmf", "stream_started"]


@pytest.mark.parametrize("script", [{"presses": ""}, {"presses": "55", "key_seconds": 3.0}, {"hangs_up_seconds": 0.5}])
async def test_without_the_key_no_model_is_opened(script: dict[str, object]) -> None:
    """A voicemail, wrong keys and a person who hangs up cost no stream of the model, no slot and no record."""
    async with _exchange(**script) as exchange, phone_in_process(exchange, ScriptedModel()) as phone:
        call = _call(exchange, phone)
        await call.timeline.until("ended", 60)
        assert phone.agent.admission.taken == 0
        assert (len(phone.model.streams), phone.records) == (0, [])
    assert call.timeline.last("stream_started") is None


async def test_a_wrong_key_is_asked_about_once() -> None:
    """After another key, 1 still connects."""
    async with (
        _exchange(presses="51", key_seconds=2.0) as clumsy,
        phone_in_process(clumsy, ScriptedModel()) as phone,
    ):
        call = _call(clumsy, phone)
        await call.timeline.until("stream_started", 20)
        call.hang_up()
        await until(lambda: len(phone.records) == 1)


async def test_strangers_cannot_start_it(exchange: TwilioExchange) -> None:
    """A request without Twilio's signature gets 403 and opens nothing."""
    async with phone_in_process(exchange, ScriptedModel()) as phone, httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            f"{phone.url}/incoming-call/called", data={"Digits": "1", "CallSid": "CA" + "0" * 32}
        )
        await asyncio.sleep(0.1)
        assert (answer.status_code, len(phone.model.streams)) == (403, 0)


@pytest.mark.parametrize("operator", ["", "\x07", "x" * 500])
def test_the_first_sentence_names_the_operator_or_nobody(operator: str) -> None:
    """It says that a machine calls, why, and how to end it, whatever the operator is called."""
    words = first_sentences(operator)
    assert "A.I. assistant" in words
    assert "hang up" in words
    assert len(words) < 300
    assert words.isprintable()
