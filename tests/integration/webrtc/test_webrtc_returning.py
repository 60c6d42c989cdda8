"""Visitors who return to their conversation: after a loss, at another task, once, and with one record."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent_core.lost_records import BEAT_SECONDS, SWEEP_SECONDS
from tests.integration.webrtc.conftest import Surroundings
from tests.support.hurried import HASTE
from tests.support.log_lines import log_lines
from tests.support.visitor import Visitor
from tests.support.waiting import until
from tests.support.web_process import WebProcess
from webrtc_agent.returning import KEPT_SECONDS

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.thorough]

type Someone = Callable[[], Visitor]


async def come(visitor: Visitor, token: str | None = None, attempt: str = "one") -> dict[str, Any]:
    """Start a resumable conversation, or resume one, and connect."""
    answer = await start(visitor, token, attempt)
    visitor.session_id = answer["sessionId"]
    await visitor.join(f"/sessions/{visitor.session_id}/api/offer")
    return dict(answer["resume"])


async def start(visitor: Visitor, token: str | None = None, attempt: str = "one") -> dict[str, Any]:
    """Send the start request only."""
    wanted: Any = {"transport": "webrtc", "resume": {"token": token, "attempt": attempt}}
    return dict((await visitor.http.post("/start", json=wanted)).raise_for_status().json())


def ends(*logs: Path) -> list[dict[str, Any]]:
    """Return the end records of several services."""
    return [line for log in logs for line in log_lines(log) if line["event"] == "session_ended"]


async def test_a_lost_visitor_goes_on_in_the_same_conversation_with_one_record(
    web: WebProcess, visitor: Someone
) -> None:
    """A returning visitor has the history and hears no second greeting; one record counts both parts."""
    async with visitor() as before, visitor() as after:
        first = await come(before)
        assert first == {"token": first["token"], "seconds": 120, "resumed": False, "history": []}
        await before.greeted()
        await asyncio.sleep(1)
        before.pull_network()
        again = await come(after, first["token"])
        assert (again["resumed"], [speaker for speaker, _ in again["history"]]) == (True, ["ASSISTANT"])
        await asyncio.sleep(2)
        assert after.of("bot-started-speaking") == []  # the visitor had heard the whole greeting, and asked nothing
        after.speak()
        await after.until("bot-stopped-speaking")
        after.say("disconnect-bot", {})
        record = await web.record(after.session_id)
    assert (record["reason"], record["agent_turns"], record["model_streams"]) == ("caller_hung_up", 2, 2)
    started = [line["session_id"] for line in web.lines("session_started")]
    resumed = [line["session_id"] for line in web.lines("session_resumed")]
    assert started[-1] == resumed[-1] == record["session_id"]
    assert sum(line["session_id"] == record["session_id"] for line in web.lines("session_ended")) == 1


async def test_a_token_is_good_for_one_claim_but_for_a_retry_of_the_same_page(
    web: WebProcess, visitor: Someone
) -> None:
    """A token resumes a conversation in one tab only; that tab may retry until the token is used."""
    async with visitor() as before, visitor() as after, visitor() as thief:
        token = (await come(before))["token"]
        await before.greeted()
        before.pull_network()
        await start(after, token, "mine")
        wanted: Any = {"transport": "webrtc", "resume": {"token": token, "attempt": "theirs"}}
        assert (await thief.http.post("/start", json=wanted)).status_code == 409
        newest = (await come(after, token, "mine"))["token"]
        wanted["resume"]["attempt"] = "mine"
        assert (await thief.http.post("/start", json=wanted)).status_code == 409
        made_up = newest.rsplit(".", 2)[0] + ".guess." + newest.rsplit(".", 1)[1]
        wanted["resume"]["token"] = made_up
        assert (await thief.http.post("/start", json=wanted)).status_code == 404
        after.say("disconnect-bot", {})
        assert (await web.record(after.session_id))["reason"] == "caller_hung_up"
        wanted["resume"]["token"] = newest
        assert (await thief.http.post("/start", json=wanted)).status_code == 404
    log = web.log.read_text()
    assert not any(secret in log for secret in (token.split(".")[1], newest))


async def test_a_visitor_who_does_not_come_back_has_one_record_after_the_wait(
    surroundings: Surroundings,
) -> None:
    """The record of a visitor who stays away follows the wait, during which no slot and no stream is held."""
    async with surroundings.start_web("waited", RESUME_SECONDS="1") as web, Visitor(web.url) as person:
        await come(person)
        await person.greeted()
        person.pull_network()
        await until(lambda: bool(web.lines("session_paused")), 15)
        await until(lambda: surroundings.nova.ledger.streams_open == 0)
        assert await web.sessions() == 0
        assert web.lines("session_ended") == []
        await person.leave()
        assert (await web.record(person.session_id, 30))["reason"] == "media_disconnected"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_a_conversation_outlives_its_task(
    surroundings: Surroundings, tmp_path: Path, how: signal.Signals
) -> None:
    """After a task is killed or drained, another task has the history, and both logs hold one record together."""
    settings = {"CALL_STORE": f"file:{tmp_path}", "DRAIN_SECONDS": "12"}
    async with (
        surroundings.start_web(f"one-{how}", **settings) as one,
        surroundings.start_web(f"two-{how}", **settings) as two,
        Visitor(one.url) as before,
        Visitor(two.url) as after,
    ):
        token = (await come(before))["token"]
        await before.greeted()
        await asyncio.sleep(2)
        one.process.send_signal(how)
        if how is signal.SIGTERM:
            paused = await before.until("server-message", seconds=25)
            assert paused.data == {"type": "session-paused", "reason": "drained"}
        else:
            await one.process.wait()
        again = await come(after, token)
        assert [speaker for speaker, _ in again["history"]] == ["ASSISTANT"]
        await one.process.wait()
        after.say("disconnect-bot", {})
        record = await two.record(after.session_id)
        assert [line["session_id"] for line in ends(one.log, two.log)] == [record["session_id"]]
        assert one.lines("session_started")[0]["session_id"] == record["session_id"]


async def test_a_killed_task_s_visitor_who_stays_away_has_one_record(
    surroundings: Surroundings, tmp_path: Path
) -> None:
    """Once the visitor can no longer return, another task writes the record, which says what it does not know."""
    settings = {"CALL_STORE": f"file:{tmp_path}"}
    hurried = "tests.support.hurried", "webrtc_agent"
    async with (
        surroundings.start_web("killed", hurried, **settings) as killed,
        surroundings.start_web("survivor", hurried, **settings) as survivor,
        surroundings.start_web("another", hurried, **settings) as another,
        Visitor(killed.url) as person,
    ):
        token = (await come(person))["token"]
        await person.greeted()
        # Until the list of this task has the greeting.
        await asyncio.sleep(BEAT_SECONDS / HASTE + 2)
        killed.process.send_signal(signal.SIGKILL)
        await killed.process.wait()
        person.pull_network()
        await asyncio.sleep((KEPT_SECONDS - 60) / HASTE)
        assert ends(killed.log, survivor.log, another.log) == []
        await until(lambda: bool(ends(survivor.log, another.log)), 4 * SWEEP_SECONDS / HASTE)
        await asyncio.sleep(2 * SWEEP_SECONDS / HASTE)
        [record] = ends(killed.log, survivor.log, another.log)
        assert record["session_id"] == killed.lines("session_started")[0]["session_id"]
        assert (record["reason"], record["agent_turns"]) == ("task_lost", 1)
        late: Any = {"transport": "webrtc", "resume": {"token": token, "attempt": "late"}}
        assert (await survivor.http.post("/start", json=late)).status_code == 404


async def test_a_client_that_knows_nothing_of_it_is_answered_as_before(web: WebProcess, visitor: Someone) -> None:
    """A client that does not support resumption gets the old response, and its session ends on disconnect.

    Some such clients throw at an unknown key.
    """
    async with visitor() as person:
        answer = (await person.start()).json()
        assert set(answer) == {"sessionId", "iceConfig"}
        await person.join(f"/sessions/{person.session_id}/api/offer")
        await person.greeted()
    assert (await web.record(person.session_id, 2))["reason"] == "caller_hung_up"
