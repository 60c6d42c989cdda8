"""A person asks about Paris, the task that answers is killed during a word, and the conversation continues."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest_asyncio

from standins.nova.server import NovaSettings, NovaStandin
from standins.nova.speech import speech_backend
from standins.speech import contains, transcribe_answer
from standins.twilio import mulaw
from standins.twilio.announcement_audio import read_wav
from standins.twilio.handset import CallRecording
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import ExchangeSettings
from standins.twilio.voice import open_voice
from standins.weather.server import WeatherStandin
from tests.support.phone_process import PhoneProcess, phone_process
from tests.support.phones_behind_edge import Fleet, phones_behind_edge
from tests.support.speaking_person import FRAME, SpeakingPerson
from tests.support.waiting import until

SPEECH = Path(__file__).parents[1] / "fixtures/speech"
WITHIN = 3.0
"""Promised seconds from Twilio's request to the other task's voice, one of which is Twilio's own sentence."""


@dataclass(frozen=True)
class World:
    """Two tasks behind the edge, and all their dependencies."""

    nova: NovaStandin
    exchange: TwilioExchange
    fleet: Fleet


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Start both tasks and their dependencies."""
    async with AsyncExitStack() as stack:
        voice = await stack.enter_async_context(open_voice(started=True))
        nova = await stack.enter_async_context(NovaStandin(NovaSettings(certificates=tmp_path), speech_backend()))
        exchange = await stack.enter_async_context(TwilioExchange(ExchangeSettings(), speak=voice))
        weather = await stack.enter_async_context(WeatherStandin())
        urls = {"OPEN_METEO_FORECAST_URL": weather.forecast_url, "OPEN_METEO_GEOCODING_URL": weather.geocoding_url}

        def start(name: str, **settings: str) -> AbstractAsyncContextManager[PhoneProcess]:
            return phone_process(nova, exchange, tmp_path / f"{name}.jsonl", urls | settings)

        yield World(nova, exchange, await stack.enter_async_context(phones_behind_edge(start, tmp_path / "calls")))


def recorded(sentence: str) -> bytes:
    """Return a recorded sentence as µ-law at 8 kHz."""
    return mulaw.encode(read_wav((SPEECH / f"{sentence}.wav").read_bytes()))


async def test_the_same_caller_goes_on_talking_to_another_task(world: World) -> None:
    """After the task is killed, another one apologises and answers; "and tomorrow?" still means Paris."""
    fleet, recording = world.fleet, CallRecording()
    call = world.exchange.place_call(f"{fleet.url}/incoming-call", hear=recording.keep)
    person, timeline = SpeakingPerson(call, recording), call.timeline
    await person.hears_out(0.0)
    greeted = len(timeline.named("sound_begins"))
    await person.say(recorded("what_is_the_weather_in_paris"))
    await timeline.until("sound_begins", 30, count=greeted + 1)
    await asyncio.sleep(0.8)
    killed = fleet.holder(call.sid)
    killed.process.kill()
    noticed = await timeline.until("stream_closed", 10)
    again = await timeline.until("stream_started", 10, count=2)
    survivor = fleet.other(killed)
    async with asyncio.timeout(10):
        while not (voices := [event for event in timeline.named("sound_begins") if event.at > again.at]):
            await timeline.until_change(0.2)
    assert voices[0].at - noticed.at < WITHIN, [event.as_json() for event in timeline.events]
    heard_from = len(recording.mulaw()) // FRAME
    await person.hears_out(voices[0].at)
    assert [event.fields["text"] for event in timeline.named("say")] == ["One moment."]
    answer = recording.pcm(heard_from)
    asked_at = timeline.now()
    await person.say(recorded("and_tomorrow"))
    session = world.nova.ledger.sessions[survivor.model_sessions(call.sid)[-1]]
    await until(lambda: len(session.tools) == 2, 20)
    await person.hears_out(asked_at)
    uses = [(use.name, use.input["location"]) for use in session.tools]
    assert uses == [("get_current_weather", "Paris"), ("get_weather_forecast", "Paris")]
    assert [said.text for said in session.said[:2]] == ["Sorry, I lost you for a moment.", "You asked about Paris."]
    understood = await asyncio.to_thread(transcribe_answer, answer, mulaw.RATE)
    assert contains(understood, "Paris"), understood
    call.hang_up()
    await timeline.until("ended", 10)
    await until(lambda: bool(survivor.lines("session_ended", call_sid=call.sid, reason="caller_hung_up")), 10)
    (record,) = survivor.lines("session_ended", call_sid=call.sid, reason="caller_hung_up")
    assert record["resumed"] == 1
    await until(lambda: fleet.forgot(call.sid))
