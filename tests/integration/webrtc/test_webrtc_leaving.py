"""How visits end: with a goodbye, without one, and not at all after a short network loss."""

import asyncio
import time
from collections.abc import Callable

import pytest

from standins.nova.faults import ModelFault
from tests.integration.webrtc.conftest import Surroundings
from tests.support.score import short_notes
from tests.support.visitor import Visitor
from tests.support.waiting import until
from tests.support.web_process import WebProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")

type Someone = Callable[[], Visitor]


@pytest.mark.thorough
async def test_a_page_that_is_left_ends_its_session(web: WebProcess, visitor: Someone) -> None:
    """The service detects a closed connection at once, and a client can request the session's end."""
    async with visitor() as somebody:
        await somebody.connect()
        await somebody.greeted()
        assert await status(web, somebody) == "running"
    record = await web.record(somebody.session_id, 2)
    assert record["reason"] == "caller_hung_up"
    await until(lambda: web.process.returncode is None and _finished(web, somebody), 2)


async def _finished(web: WebProcess, somebody: Visitor) -> bool:
    return await status(web, somebody) == "finished"


async def status(web: WebProcess, somebody: Visitor) -> str:
    """Return a session's status."""
    answer = (await web.http.get(f"/status/{somebody.session_id}")).json()
    assert answer["bot_id"] == somebody.session_id
    return str(answer["status"])


@pytest.mark.thorough
async def test_a_closed_tab_is_noticed_within_12_seconds(web: WebProcess, visitor: Someone) -> None:
    """The service detects a closed tab within 12 s; WebRTC alone takes 30, while the model costs money."""
    async with visitor() as somebody:
        await somebody.connect()
        await somebody.greeted()
        somebody.pull_network()
        pulled = time.monotonic()
        record = await web.record(somebody.session_id, 12)
        assert record["reason"] == "media_disconnected"
        assert time.monotonic() - pulled > 5  # a shorter loss does not end the session


@pytest.mark.thorough
async def test_five_seconds_without_network_are_survived(web: WebProcess, visitor: Someone) -> None:
    """The conversation continues after five seconds without a network."""
    async with visitor() as somebody:
        await somebody.connect()
        await somebody.greeted()
        put_back = somebody.pull_network()
        await asyncio.sleep(5)
        put_back()
        await asyncio.sleep(1)
        somebody.speak()
        await somebody.until("bot-stopped-speaking", 2, 15)
    record = await web.record(somebody.session_id)
    assert (record["reason"], record["model_streams"]) == ("caller_hung_up", 1)


@pytest.mark.thorough
async def test_who_comes_back_too_late_starts_anew(web: WebProcess, visitor: Someone) -> None:
    """A visitor who returns to an ended session gets a reason in words and starts a new one.

    This also holds while its connection is being closed.
    """
    async with visitor() as somebody, visitor() as again:
        await somebody.connect()
        await somebody.greeted()
        somebody.pull_network()
        assert (await web.record(somebody.session_id, 15))["reason"] == "media_disconnected"
        path = f"/sessions/{somebody.session_id}/api/offer"
        answer = await again.http.post(path, json=await again.offer(pc_id=somebody.pc_id, restart_pc=True))
        assert answer.status_code == 410
        assert "start a new one" in answer.json()["info"]


async def test_an_offer_alone_opens_no_model(surroundings: Surroundings, web: WebProcess, visitor: Someone) -> None:
    """A visit whose network blocks audio opens no model stream and holds no slot."""
    opened = surroundings.nova.ledger.streams_opened
    async with visitor() as somebody:
        await somebody.start()
        path = f"/sessions/{somebody.session_id}/api/offer"
        assert (await somebody.http.post(path, json=await somebody.offer())).status_code == 200
        assert await web.sessions() == 0
        record = await web.record(somebody.session_id, 20)
        assert (record["reason"], record["model_streams"]) == ("never_connected", 0)
    assert surroundings.nova.ledger.streams_opened == opened
    assert await web.sessions() == 0


async def test_a_client_can_reconnect_in_its_session(web: WebProcess, visitor: Someone) -> None:
    """A client whose network changed reconnects in the same session and conversation."""
    async with visitor() as somebody:
        await somebody.connect()
        await somebody.greeted()
        first = somebody.pc_id
        somebody.pull_network()
        await asyncio.sleep(4)
        await somebody.reconnect()
        assert somebody.pc_id != first
        somebody.speak()
        await somebody.until("user-input")
        await somebody.until("bot-stopped-speaking", 2)
        await somebody.until_sound(sounding=False)
    record = await web.record(somebody.session_id)
    assert (record["reason"], record["model_streams"], record["agent_turns"]) == ("caller_hung_up", 1, 2)


async def test_disconnect_bot_ends_the_session(web: WebProcess, visitor: Someone) -> None:
    """A client can end the session with `disconnect-bot`."""
    async with visitor() as somebody:
        await somebody.connect()
        await somebody.greeted()
        somebody.say("disconnect-bot", {})
        assert (await web.record(somebody.session_id))["reason"] == "caller_hung_up"


async def test_fault_03_a_lost_model_is_told_aloud_and_in_words(
    surroundings: Surroundings, web: WebProcess, visitor: Someone
) -> None:
    """After the model is lost, the visitor hears an apology, and the page gets the reason before the close."""
    async with visitor() as somebody:
        await somebody.connect()
        await somebody.greeted()
        surroundings.nova.faults.add(ModelFault(on="open", times=9, error="AccessDeniedException", message="no"))
        surroundings.nova.faults.add(ModelFault(on="answer", action="rst"))
        await somebody.until_sound(sounding=False)
        somebody.say("send-text", {"content": "anything"})
        await somebody.until_sound(sounding=True)
        assert not somebody.of("server-message")
        ended = await somebody.until("server-message", seconds=15)
        assert ended.data["reason"] == "model_rejected"
        assert ended.data["message"].endswith(".")
    record = await web.record(somebody.session_id)
    assert record["reason"] == "model_rejected"
    assert record["phrases"] >= 1


async def test_a_visitor_who_says_nothing_is_asked_and_then_let_go(surroundings: Surroundings) -> None:
    """A silent visitor gets one question and then a goodbye, and the page gets the reason."""
    surroundings.score.plan = short_notes
    async with surroundings.start_web("silent", IDLE_PROMPT_SECONDS="3") as web, Visitor(web.url) as somebody:
        await somebody.connect()
        await somebody.greeted()
        ended = await somebody.until("server-message", seconds=20)
        assert ended.data["reason"] == "idle_timeout"
        record = await web.record(somebody.session_id)
    assert (record["reason"], record["agent_turns"], record["caller_turns"]) == ("idle_timeout", 3, 0)


async def test_sessions_end_when_the_service_stops(surroundings: Surroundings) -> None:
    """Every session has its record when the service stops, also after a second signal."""
    async with surroundings.start_web("stopped") as web, Visitor(web.url) as somebody:
        await somebody.connect()
        await somebody.greeted()
        web.process.terminate()
        await asyncio.sleep(0.5)
        assert (await web.http.post("/start")).status_code == 503
        web.process.terminate()
        async with asyncio.timeout(10):
            await web.process.wait()
        assert (await web.record(somebody.session_id))["reason"] == "drained"
        await until(lambda: surroundings.nova.ledger.streams_open == 0)
