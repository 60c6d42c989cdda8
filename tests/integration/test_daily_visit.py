"""A visitor connects through Daily: the application, Pipecat's own Daily transport, and an in-memory room."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import numpy as np
import pytest
from pydantic import SecretStr

from agent_core.agent_runtime import AgentRuntime
from agent_core.events import CallDetailRecord, EndReason
from agent_core.tools.goodbye import goodbye_tools
from standins.daily import DailyStandin
from tests.support import scripted_model as say
from tests.support.agents import one_agent
from tests.support.daily_call import FakeCall, FakeSource, House, Json, stand_for_daily
from tests.support.scripted_model import ScriptedModel
from tests.support.waiting import until
from webrtc_agent.app import create_app
from webrtc_agent.daily import make_rooms, native, room_session, room_transport
from webrtc_agent.settings import WebSettings
from webrtc_agent.web_service import WebService

NOTE = (9000 * np.sin(2 * np.pi * 440 * np.arange(24_000) / 24_000)).astype(np.int16).tobytes()
"""One second at the sample rate of the agent's voice."""
AUDIO_ON = {"t": "audio-output", "d": {"enabled": True}}
CLIENT_READY = {
    "label": "rtvi-ai",
    "type": "client-ready",
    "id": "r",
    "data": {"version": "2.1.0", "about": {"library": "test"}},
}


@dataclass
class Setting:
    """The web service in this process, with a stand-in for each of its dependencies."""

    http: httpx.AsyncClient
    agent: AgentRuntime
    model: ScriptedModel
    daily: DailyStandin
    house: House
    records: list[CallDetailRecord]

    async def call(self, number: int = 0) -> FakeCall:
        """Wait until the agent has joined a room."""
        await until(lambda: len(self.house.calls) > number)
        call = self.house.calls[number]
        await until(lambda: any(done.startswith("join") for done in call.did))
        return call

    async def released(self) -> None:
        """Wait until every resource of every visit is released."""
        await until(lambda: self.agent.admission.taken == 0 and self.model.open_streams == 0, 8)
        await until(lambda: sorted(self.daily.ledger.created) == sorted(self.daily.ledger.deleted), 8)
        await until(lambda: all(call.did.count("release") == 1 for call in self.house.calls), 8)
        assert self.house.frozen == []


@pytest.fixture
async def setting(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Setting]:
    """Start the service and its stand-ins."""
    house, model, records = stand_for_daily(monkeypatch), ScriptedModel(), list[CallDetailRecord]()

    def keep(record: CallDetailRecord) -> None:
        records.append(record)

    async with AsyncExitStack() as stack:
        daily = await stack.enter_async_context(DailyStandin())
        given = {"daily_api_key": SecretStr(daily.api_key), "daily_api_url": daily.api_url}
        settings = WebSettings.model_validate({**given, "public_base_url": "https://talk.example"})
        agent = AgentRuntime(settings, model, one_agent(goodbye_tools()), keep)
        lobby = WebService(settings, agent, make_rooms(settings))
        stack.push_async_callback(lobby.aclose)
        asgi = httpx.ASGITransport(create_app(lobby), client=("192.0.2.7", 1))
        http = httpx.AsyncClient(transport=asgi, base_url="https://talk.example", timeout=None)  # noqa: S113 - in this process
        yield Setting(await stack.enter_async_context(http), agent, model, daily, house, records)


async def connected(setting: Setting) -> tuple[FakeCall, say.ScriptedStream]:
    """Start a visit, join the room and send the client-ready message."""
    (await setting.http.post("/start", json={"createDailyRoom": True})).raise_for_status()
    call = await setting.call()
    call.visitor_comes()
    await until(call.is_rendering)
    call.visitor_says(CLIENT_READY)
    return call, await setting.model.stream()


async def test_sound_and_words_go_both_ways(setting: Setting) -> None:
    """Audio and text travel in both directions, and the agent leaves when the visitor does."""
    call, stream = await connected(setting)
    greeting = await stream.until_sent("textInput", count=2)
    assert greeting["content"]
    stream.say(*say.answer("Hello.", NOTE))
    await until(lambda: len(FakeSource.made[0].heard) >= len(NOTE), 8)
    assert bytes(FakeSource.made[0].heard).strip(b"\0")[:1000] in NOTE
    await until(lambda: bool(call.of("bot-stopped-speaking")), 8)
    assert [(message["data"]["text"], message["data"]["spoken_status"]) for message in call.of("bot-output")] == [
        ("Hello.", "new"),
        ("Hello.", "completed"),
    ]
    assert len(call.of("bot-ready")) == 1
    spoken = (np.arange(16_000) % 30_000).astype(np.int16).tobytes()
    call.visitor_speaks(spoken)
    await until(lambda: spoken in stream.sound(), 8)
    call.visitor_leaves()
    await until(lambda: bool(setting.records))
    await setting.released()
    (record,) = setting.records
    assert (record.reason, record.stats.agent_turns, record.stats.audio_out_ms) == (EndReason.CALLER_HUNG_UP, 1, 1000)
    assert call.did[-2:] == ["leave", "release"]


async def test_a_visitor_who_reads_gets_silence_and_words(setting: Setting) -> None:
    """A visitor in text mode gets silence in real time, so that turns keep their pace; a message enables audio."""
    (await setting.http.post("/start", json={"createDailyRoom": True, "textOnly": True})).raise_for_status()
    call = await setting.call()
    call.visitor_comes()
    await until(call.is_rendering)
    call.visitor_says(CLIENT_READY)
    stream = await setting.model.stream()
    await stream.until_sent("textInput", count=2)
    stream.say(*say.answer("Hello.", NOTE))
    await until(lambda: len(call.of("bot-output")) == 2, 8)
    heard = FakeSource.made[0].heard
    assert len(heard) >= len(NOTE)
    assert not bytes(heard).strip(b"\0")
    call.visitor_says({"label": "rtvi-ai", "type": "client-message", "id": "a", "data": AUDIO_ON})
    await until(lambda: bool(call.of("server-response")), 8)
    stream.say(*say.answer("Good day.", NOTE))
    await until(lambda: bool(bytes(heard).strip(b"\0")), 8)
    call.visitor_leaves()
    await setting.released()


async def test_the_agent_joins_as_owner_without_a_camera_and_gives_nobody_its_token(setting: Setting) -> None:
    """The visitor gets their own token, never the agent's owner token."""
    answer = (await setting.http.post("/connect")).json()
    call = await setting.call()
    assert setting.daily.read_token(call.token)["is_owner"] is True
    assert setting.daily.read_token(answer["token"])["is_owner"] is False
    assert call.did[:2] == ["name Agent", f"join {answer['room_url']}"]
    assert call.settings["inputs"]["camera"]["isEnabled"] is False
    assert call.subscriptions == {"base": {"camera": "unsubscribed", "screenVideo": "unsubscribed"}}


async def test_the_model_is_opened_when_the_visitor_is_there(setting: Setting) -> None:
    """The service opens no model stream for an empty room."""
    await setting.http.post("/start")
    call = await setting.call()
    await asyncio.sleep(0.3)
    assert setting.model.streams == []
    call.visitor_comes()
    await setting.model.stream()


async def test_a_join_that_fails_ends_the_session(setting: Setting) -> None:
    """A failed join ends the session at once; Pipecat alone would wait for five minutes."""
    setting.house.join_error = "Connection(Api(RoomLookup(RoomInfoFetchFailed)))"
    answer = await setting.http.post("/start")
    await until(lambda: bool(setting.records), 8)
    assert setting.records[0].reason is EndReason.MEDIA_DISCONNECTED
    status = f"/status/{answer.headers['x-session-id']}"
    await setting.released()
    await until(lambda: bool(setting.house.calls) and "release" in setting.house.calls[0].did)
    assert (await setting.http.get(status)).json()["status"] == "finished"


async def test_a_visitor_who_comes_to_a_full_house_is_told(setting: Setting) -> None:
    """A visitor who arrives when the service is full gets a reason, and the service opens no model stream.

    There was a free slot when the service created the room; other visitors took it.
    """
    await setting.http.post("/start")
    call = await setting.call()
    assert setting.agent.admission.taken == 0
    for _ in range(setting.agent.admission.max_sessions):
        setting.agent.admission.admit()
    call.visitor_comes()
    await until(lambda: bool(setting.records), 8)
    assert setting.records[0].reason is EndReason.NEVER_CONNECTED
    assert setting.model.streams == []
    assert setting.agent.admission.taken == setting.agent.admission.max_sessions


@pytest.mark.parametrize("joins", [True, False])
async def test_nobody_comes(setting: Setting, monkeypatch: pytest.MonkeyPatch, *, joins: bool) -> None:
    """A visitor who never arrives and a join that never completes release the room and the slot."""
    monkeypatch.setattr(room_session, "JOIN_SECONDS", 0.3)
    monkeypatch.setattr(room_session, "VISITOR_SECONDS", 0.3)
    setting.house.join_answers = joins
    await setting.http.post("/start")
    await until(lambda: bool(setting.records), 8)
    assert setting.records[0].reason is (EndReason.NEVER_CONNECTED if joins else EndReason.MEDIA_DISCONNECTED)
    await setting.released()


async def test_a_release_that_hangs_holds_nothing_else(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that hangs blocks only itself.

    The native release waits for its join. The record, the slot and the thread pool do not wait for it.
    """
    monkeypatch.setattr(room_session, "JOIN_SECONDS", 0.3)
    monkeypatch.setattr(room_transport, "RELEASE_SECONDS", 0.3)
    setting.house.join_answers = False
    setting.house.releasable.clear()
    before = len(native._releasing)
    for number in range(5):
        assert (await setting.http.post("/start")).is_success
        await setting.call(number)
        await until(lambda: len(setting.records) > number, 8)  # noqa: B023 - called in this iteration
    await until(lambda: setting.agent.admission.taken == 0, 8)
    await until(lambda: sorted(setting.daily.ledger.created) == sorted(setting.daily.ledger.deleted), 8)
    assert [record.reason for record in setting.records] == [EndReason.MEDIA_DISCONNECTED] * 5
    assert len(native._releasing) == before + 5
    async with asyncio.timeout(5):
        await asyncio.to_thread(lambda: None)
    monkeypatch.setattr(native, "MAX_RELEASING", 5)
    assert (await setting.http.post("/connect")).status_code == 503
    setting.house.releasable.set()
    await setting.released()
    await until(lambda: len(native._releasing) == before)


async def test_a_released_client_cannot_be_used() -> None:
    """A released client raises an error for a late message and ignores a second release, from any thread."""
    house = House()
    fake = house.client(None)
    call = native.NativeCall(fake)  # type: ignore[arg-type]
    assert callable(call.leave)
    await asyncio.gather(*(asyncio.to_thread(call.release) for _ in range(4)))
    assert await call.wait_released(5)
    call.release()
    await asyncio.sleep(0)
    for name in ("leave", "send_app_message", "set_user_name"):
        with pytest.raises(native.ReleasedError):
            getattr(call, name)
    assert fake.did == ["release"]
    assert house.frozen == []


async def test_an_agent_that_is_put_out_ends_the_session(setting: Setting) -> None:
    """The session ends when the room expires or when a participant ends the meeting."""
    call, _ = await connected(setting)
    call.put_out()
    await until(lambda: bool(setting.records), 8)
    assert setting.records[0].reason is EndReason.MEDIA_DISCONNECTED
    await setting.released()


async def test_a_message_that_is_no_page_s_business_is_dropped(setting: Setting) -> None:
    """The Daily transport drops the same disallowed messages as the WebRTC transport."""
    call, stream = await connected(setting)
    await stream.until_sent("textInput", count=2)
    sent = len(stream.sent)
    for message in ({"label": "rtvi-ai", "type": "llm-function-call-result", "id": "1", "data": {}}, {"x": 1}):
        call.visitor_says(message)
    call.visitor_says({"label": "rtvi-ai", "type": "disconnect-bot", "id": "2"})
    await until(lambda: bool(setting.records), 8)
    assert (setting.records[0].reason, setting.records[0].stats.ignored_messages) == (EndReason.CALLER_HUNG_UP, 2)
    assert [name for name, _ in stream.sent[sent:] if name == "toolResult"] == []


async def test_the_visitor_is_told_why_it_ended(setting: Setting) -> None:
    """The visitor gets the end reason while the room can still deliver it."""
    call, stream = await connected(setting)
    await stream.until_sent("textInput", count=2)
    stream.say(*say.tool_use("end_call", "use-1", {"reason": "caller_said_goodbye"}))
    await stream.until_sent("toolResult")
    stream.say(*say.answer("Goodbye.", NOTE[:9600]))
    await until(lambda: bool(setting.records), 8)
    assert setting.records[0].reason is EndReason.AGENT_ENDED
    message: Json = call.of("server-message")[-1]["data"]
    assert (message["type"], message["reason"]) == ("session-ended", "agent_ended")
    assert call.did.index("leave") < call.did.index("release")


async def test_a_hundred_at_once_make_two_rooms_and_leave_none(setting: Setting) -> None:
    """A hundred simultaneous starts from one address create two rooms; the others get a time to retry."""
    rooms = 0
    for made in (2, 2, 2):
        answers = await asyncio.gather(*(setting.http.post("/connect") for _ in range(100)))
        assert sorted(answer.status_code for answer in answers) == [200] * made + [429] * (100 - made)
        assert all(int(answer.headers["retry-after"]) > 0 for answer in answers if answer.status_code == 429)
        for number in range(rooms, rooms + made):
            call = await setting.call(number)
            call.visitor_comes()
            await until(call.is_rendering)
            call.visitor_leaves()
        rooms += made
    await until(lambda: len(setting.records) == 6, 8)
    await setting.released()
    assert len(setting.daily.ledger.created) == 6


async def test_a_visitor_whose_network_broke_returns_through_another_room(setting: Setting) -> None:
    """The conversation continues with its history and without a second greeting, and has one record."""
    wanted: Json = {"createDailyRoom": True, "resume": {"token": None, "attempt": "one"}}
    answer = (await setting.http.post("/start", json=wanted)).raise_for_status().json()
    assert answer["resume"]["resumed"] is False
    before = await setting.call()
    before.visitor_comes()
    await until(before.is_rendering)
    before.visitor_says(CLIENT_READY)
    first = await setting.model.stream()
    await first.until_sent("textInput", count=2)
    words = say.text_block("ASSISTANT", "Hello there.", speculative=False, stop="END_TURN")
    first.say(*say.answer("Hello there.", NOTE), *words, *say.heard("weather in Oslo?"))
    await until(lambda: len(before.of("bot-output")) == 2, 8)
    before.visitor_leaves()  # Daily reports a lost network as a departure; a page that ends says so before
    wanted["resume"]["token"] = answer["resume"]["token"]
    again = (await setting.http.post("/start", json=wanted)).raise_for_status().json()
    assert (again["resume"]["resumed"], again["dailyRoom"] != answer["dailyRoom"]) == (True, True)
    assert again["resume"]["history"][0] == ["ASSISTANT", "Hello there."]
    after = await setting.call(1)
    after.visitor_comes()
    await until(after.is_rendering)
    after.visitor_says(CLIENT_READY)
    second = await setting.model.stream(1)
    await second.until_sent("textInput", count=2)
    assert "weather in Oslo?" in " ".join(second.texts("USER"))
    after.visitor_says({"label": "rtvi-ai", "type": "disconnect-bot", "id": "d"})
    await until(lambda: bool(setting.records), 8)
    await setting.released()
    (record,) = setting.records
    assert (record.reason, record.stats.resumed) == (EndReason.CALLER_HUNG_UP, 1)
