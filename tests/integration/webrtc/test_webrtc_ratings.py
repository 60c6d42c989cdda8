"""A visitor of the running service rates a conversation, and the operator reads it."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.webrtc.conftest import Surroundings
from tests.support.visitor import Visitor
from tests.support.waiting import until
from tests.support.web_process import WebProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = "It knew every island of the archipelago"


async def rate(visitor: Visitor, session_id: str, **body: str) -> int:
    """Send a rating, and return the status."""
    return (await visitor.http.post(f"/sessions/{session_id}/rating", json=body)).status_code


async def test_a_rating_during_a_conversation_is_in_its_record(web: WebProcess, visitor: Callable[[], Visitor]) -> None:
    """A rating before the end is in the record too; without a store there is no comment."""
    async with visitor() as one:
        (await one.start()).raise_for_status()
        assert await rate(one, one.session_id, rating="up") == 404  # nothing was said yet
        await one.join(f"/sessions/{one.session_id}/api/offer")
        await one.greeted()
        assert await rate(one, one.session_id, rating="up", comment=WORDS) == 404
        assert await rate(one, one.session_id, rating="up") == 204
        one.say("disconnect-bot", {})
        record = await web.record(one.session_id)
        assert await rate(one, one.session_id, rating="down") == 409
    assert record["rating"] == "up"
    rated = [line for line in web.lines("session_rated") if line["session_id"] == record["session_id"]]
    assert [line["rating"] for line in rated] == ["up"]


async def test_another_task_takes_it_after_the_end_and_the_operator_reads_the_comment(
    surroundings: Surroundings, tmp_path: Path
) -> None:
    """The load balancer may choose another task; only the command shows the comment, no log line does."""
    store = {"CALL_STORE": f"file:{tmp_path / 'calls'}"}
    async with (
        surroundings.start_web("rated-one", **store) as one,
        surroundings.start_web("rated-two", **store) as other,
        Visitor(one.url) as visitor,
        Visitor(other.url) as later,
    ):
        await visitor.connect()
        await visitor.greeted()
        visitor.say("disconnect-bot", {})
        record = await one.record(visitor.session_id)
        assert await rate(later, "f" * 32, rating="down") == 404
        assert await rate(later, visitor.session_id, rating="down") == 204
        assert await rate(later, visitor.session_id, rating="down", comment=WORDS) == 204
        for task in (visitor, later):
            assert await rate(task, visitor.session_id, rating="up", comment="once more") == 409
        await until(lambda: bool(other.lines("comment_kept")), 5)
        (rated,) = other.lines("session_rated")
        logs = one.log.read_text() + other.log.read_text()
    assert record["rating"] is None
    assert (rated["session_id"], rated["rating"]) == (record["session_id"], "down")
    assert "archipelago" not in logs
    assert visitor.session_id not in logs
    (comment,) = await _comments(store)
    assert (comment["session_id"], comment["rating"], comment["comment"]) == (record["session_id"], "down", WORDS)


async def _comments(store: dict[str, str]) -> list[dict[str, str]]:
    """Return what the operator's command prints."""
    command = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "webrtc_agent.comments", env=os.environ | store, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        printed, _ = await command.communicate()
    return [json.loads(line) for line in printed.decode().splitlines()]
