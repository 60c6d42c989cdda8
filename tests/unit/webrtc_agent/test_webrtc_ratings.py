"""Ratings and comments: each once per conversation, from its visitor only, and no word of a comment in the log."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent_core.adapters.call_store.file_store import FileStore
from agent_core.adapters.call_store.key_value_store import KeyValueStore, StoreFault
from agent_core.events import CallDetailRecord, EndReason, Rating, SessionStats
from tests.support.call_shelves import Memo
from tests.support.given_agents import WEATHER, made
from tests.unit.webrtc_agent.conftest import Desk, MakeClient
from webrtc_agent import comments
from webrtc_agent.errors import AlreadyRated, NotRated, UnknownSession
from webrtc_agent.notice import Notice
from webrtc_agent.ratings import DAY_SECONDS, Rateable, Ratings
from webrtc_agent.request_schemas import MAX_COMMENT, RatingRequest
from webrtc_agent.session_registry import WebSession
from webrtc_agent.settings import WebSettings

CLINIC = made("clinic", name="Clinic")
DOWN = RatingRequest(rating=Rating.DOWN)
WORDS = "It did not know Härnösand.\x9b31m"


@dataclass
class Clock:
    """A clock that the test sets, in Unix seconds."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def make(shelf: KeyValueStore | None, clock: Callable[[], float] = time.time, **settings: object) -> Ratings:
    """Return one task's ratings."""
    store = "none" if shelf is None else "file:calls"
    return Ratings(WebSettings.model_validate({"call_store": store, **settings}), shelf, lambda _: None, clock)


def talked(desk: Desk, session_id: str) -> WebSession:
    """Return a visit whose visitor was connected to a conversation."""
    web_session = desk.web_service.registry.begin()
    web_session.agent = CLINIC
    desk.web_service.ratings.expect(web_session, session_id)
    return web_session


def record(session_id: str) -> CallDetailRecord:
    """Return an end record."""
    return CallDetailRecord(session_id, "browser", EndReason.MEDIA_DISCONNECTED, 0.0, 0, SessionStats())


async def test_a_rating_is_an_event_and_a_metric_once(make_desk: MakeClient) -> None:
    """The operator gets the rating with the conversation's id, once; the service refuses a repetition."""
    desk = make_desk()
    path = f"/sessions/{talked(desk, 's1').web_session_id}/rating"
    with capture_logs() as logs:
        answers = [await desk.http.post(path, json={"rating": "up"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [204, 409]
    assert [line for line in logs if line["event"] == "session_rated"] == [
        {"event": "session_rated", "log_level": "info", "session_id": "s1", "rating": "up", "agent": "clinic"}
    ]
    assert desk.agent.complete(record("s1")).rating == "up"
    assert desk.agent.complete(record("s2")).rating is None


async def test_who_had_no_conversation_rates_none(make_desk: MakeClient) -> None:
    """A made-up id, one whose visitor never connected, and another site's page rate nothing."""
    desk = make_desk()
    unconnected = desk.web_service.registry.begin().web_session_id
    for forged in (unconnected, "0" * 32, "..%2f..", "x" * 5000):
        assert (await desk.http.post(f"/sessions/{forged}/rating", json={"rating": "up"})).status_code == 404
    path = f"/sessions/{talked(desk, 's1').web_session_id}/rating"
    foreign = await desk.http.post(path, json={"rating": "up"}, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert desk.agent.complete(record("s1")).rating is None


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"rating": 5}', b'{"comment": "x"}', json.dumps({"rating": "up", "comment": "x" * 1001}).encode()],
)
async def test_what_is_no_rating_is_refused(make_desk: MakeClient, body: bytes) -> None:
    """A malformed or oversized rating is refused before anything counts."""
    desk = make_desk(call_store="file:calls")
    path = f"/sessions/{talked(desk, 's1').web_session_id}/rating"
    assert (await desk.http.post(path, content=body)).status_code == 400
    assert (await desk.http.post(path, content=b" " * 20_000)).status_code == 413
    assert (await desk.http.post(path, json={"rating": "down"})).status_code == 204


async def test_any_task_takes_the_rating_once_for_all_parts() -> None:
    """The load balancer sends it to any task; both connections of a resumed conversation share one rating."""
    shelf = Memo()
    one, other = make(shelf), make(shelf)
    first, second = WebSession(), WebSession()
    first.agent = second.agent = CLINIC
    one.expect(first, "s1")
    one.expect(second, "s1")
    await one.aclose()
    with capture_logs() as logs:
        await other.take(first.web_session_id, Rateable(""), DOWN)
    assert [line["agent"] for line in logs if line["event"] == "session_rated"] == ["clinic"]
    for ratings, part in ((other, first), (one, second)):
        with pytest.raises(AlreadyRated):
            await ratings.take(part.web_session_id, Rateable(""), DOWN)
    with pytest.raises(UnknownSession):
        await other.take(WebSession().web_session_id, Rateable(""), DOWN)
    assert not [key for key in shelf.entries if first.web_session_id in key]


async def test_a_comment_is_in_the_store_only_and_the_operator_reads_it(tmp_path: Path) -> None:
    """It may follow the rating, once; the log has its length, the command its words, until its time is over."""
    clock = Clock()
    store = FileStore(tmp_path / "calls", clock)
    ratings = make(store, clock, comment_retention_days=2)
    visit = WebSession()
    ratings.expect(visit, "s1")
    await ratings.aclose()
    said = RatingRequest(rating=Rating.DOWN, comment=f"  {WORDS} ")
    with capture_logs() as logs:
        await ratings.take(visit.web_session_id, Rateable("s1", "clinic"), DOWN)
        await ratings.take(visit.web_session_id, Rateable("s1", "clinic"), said)
        with pytest.raises(AlreadyRated):
            await ratings.take(visit.web_session_id, Rateable("s1", "clinic"), said)
    assert [line["event"] for line in logs] == ["session_rated", "comment_kept"]
    assert "Härnösand" not in repr(logs)
    (kept,) = await comments.read(store)
    assert kept == {
        "at": "2027-01-15T08:00:00+00:00",
        "session_id": "s1",
        "agent": "clinic",
        "rating": "down",
        "comment": WORDS,
    }
    assert "\x9b" not in comments.line(kept)
    assert json.loads(comments.line(kept)) == kept
    clock.now += 2 * DAY_SECONDS - 1
    assert len(await comments.read(store)) == 1
    clock.now += 2
    assert await comments.read(store) == []
    await store.aclose()


async def test_a_comment_survives_neither_a_broken_store_nor_is_the_rating_lost() -> None:
    """Without the store a comment is refused, so that the visitor can send it again; a rating still counts."""
    ratings = make(Memo(broken=True))
    with pytest.raises(StoreFault):
        await ratings.take("", Rateable("s1"), RatingRequest(rating=Rating.UP, comment=WORDS))
    with capture_logs() as logs:
        await ratings.take("", Rateable("s1"), DOWN)
    assert [line["event"] for line in logs] == ["call_store_failed", "session_rated"]


async def test_nothing_is_asked_that_the_operator_does_not_want() -> None:
    """Ratings can be turned off; without a store, or at 0 days, there is no comment; the notice says what is kept."""
    said = RatingRequest(rating=Rating.UP, comment="x" * MAX_COMMENT)
    for shelf, settings in ((None, {}), (Memo(), {"comment_retention_days": 0}), (Memo(), {"ask_for_rating": False})):
        with pytest.raises(NotRated):
            await make(shelf, **settings).take("", Rateable("s1"), said)
    with pytest.raises(NotRated):
        await make(None, ask_for_rating=False).take("", Rateable("s1"), DOWN)
    asked = {
        (store, days): Notice.of(
            WebSettings.model_validate({"call_store": store, "comment_retention_days": days}), WEATHER
        )
        for store, days in (("none", 30), ("file:calls", 0), ("file:calls", 30))
    }
    assert [notice.shown["comment"] for notice in asked.values()] == [False, False, True]
    said_so = ["for 30 days, for its operator" in json.dumps(notice.shown["details"]) for notice in asked.values()]
    assert said_so == [False, False, True]


def test_the_command_names_the_setting_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Without a store there is one line that says what to set; with an empty one there is nothing to print."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALL_STORE", "none")
    assert comments.main() == 2
    assert "CALL_STORE" in capsys.readouterr().err
    monkeypatch.setenv("CALL_STORE", f"file:{tmp_path / 'calls'}")
    assert comments.main() == 0
    assert capsys.readouterr().out == ""
