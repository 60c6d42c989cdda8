"""The web service's rooms against Daily's stand-in, with and without faults."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from agent_core.errors import UpstreamError
from standins.daily import DailyStandin
from standins.daily.faults import DailyFault
from tests.support import ledger
from tests.support.waiting import until
from webrtc_agent.daily import make_rooms
from webrtc_agent.daily.api import DailyApi
from webrtc_agent.daily.daily_errors import DailyFailed
from webrtc_agent.daily.room_factory import Rooms
from webrtc_agent.settings import WebSettings


@pytest.fixture
async def daily() -> AsyncIterator[DailyStandin]:
    """Return Daily's stand-in."""
    async with DailyStandin() as standin:
        yield standin


def hasty(daily: DailyStandin) -> Rooms:
    """Return rooms with a fifth of the timeouts, for lasting failures only: a busy machine can cause one, too."""
    headers = {"Authorization": f"Bearer {daily.api_key}"}
    http = httpx.AsyncClient(base_url=daily.api_url, headers=headers)
    return Rooms(DailyApi(http, request_seconds=0.6), longest_seconds=600, open_seconds=1.6)


def rooms_at(daily: DailyStandin, **settings: object) -> Rooms:
    """Return rooms at this URL."""
    given = {"daily_api_key": SecretStr(daily.api_key), "daily_api_url": daily.api_url, **settings}
    return make_rooms(WebSettings.model_validate(given))


@pytest.fixture
async def rooms(daily: DailyStandin) -> AsyncIterator[Rooms]:
    """Return rooms with the default timeouts."""
    rooms = rooms_at(daily, max_call_seconds=600)
    yield rooms
    await rooms.aclose()


@pytest.fixture
async def impatient(daily: DailyStandin) -> AsyncIterator[Rooms]:
    """Return rooms with short timeouts."""
    rooms = hasty(daily)
    yield rooms
    await rooms.aclose()


async def no_room_left(daily: DailyStandin) -> None:
    """Wait until every created room is deleted exactly once, and balance L3."""
    await until(lambda: sorted(daily.ledger.created) == sorted(daily.ledger.deleted), 8)
    ledger.rooms_are_gone(daily.ledger)


async def test_a_room_is_private_and_closes_itself(daily: DailyStandin, rooms: Rooms) -> None:
    """A room has a secret name and a limit of participants, and expires after the longest conversation."""
    room, other = await rooms.open(), await rooms.open()
    made = daily.describe(room.name)
    assert (made["privacy"], made["url"]) == ("private", room.url)
    assert (made["config"]["eject_at_room_exp"], made["config"]["max_participants"]) == (True, 2)
    assert 600 < made["config"]["exp"] - time.time() < 700
    assert len(room.name) >= 20
    assert room.name[:8] != other.name[:8]


async def test_each_side_gets_a_token_for_this_room_only(daily: DailyStandin, rooms: Rooms) -> None:
    """Only the agent's token owns the room; both tokens remove their participant when the time is over."""
    room = await rooms.open()
    visitor, agent = daily.read_token(room.visitor_token), daily.read_token(room.agent_token)
    assert (visitor["is_owner"], agent["is_owner"]) == (False, True)
    for token in (visitor, agent):
        assert (token["room_name"], token["eject_at_token_exp"]) == (room.name, True)
        assert token["exp"] == daily.describe(room.name)["config"]["exp"]
    assert room.visitor_token not in repr(room)
    assert room.agent_token not in repr(room)


async def test_a_room_is_deleted(daily: DailyStandin, rooms: Rooms) -> None:
    """The service deletes a room once, in the background."""
    await rooms.delete(await rooms.open())
    await no_room_left(daily)
    assert [step for step, _ in daily.requests].count("delete") == 1


@pytest.mark.parametrize(
    "fault",
    [
        DailyFault("create", "status", status=500),
        DailyFault("create", "status", status=429),
        DailyFault("create", "status", status=503, done=True),
        DailyFault("create", "bad_json", done=True),
        DailyFault("create", "wrong_types", done=True),
        DailyFault("create", "hang", done=True),
        DailyFault("token", "status", times=2, status=502),
        DailyFault("token", "bad_json"),
        DailyFault("token", "empty"),
        DailyFault("token", "hang"),
    ],
    ids=lambda fault: f"{fault.on}-{fault.action}-{fault.status}",
)
async def test_one_failure_is_got_over(daily: DailyStandin, rooms: Rooms, fault: DailyFault) -> None:
    """One failure only delays the visitor; the service deletes a room whose response was lost."""
    daily.fail(fault)
    async with asyncio.timeout(8):
        room = await rooms.open()
    await until(lambda: daily.open_rooms == [room.name], 8)
    await rooms.delete(room)
    await no_room_left(daily)


@pytest.mark.parametrize(
    "fault",
    [
        DailyFault("create", "status", times=None, status=500),
        DailyFault("create", "status", times=None, status=500, done=True),
        DailyFault("create", "hang", times=None, done=True),
        DailyFault("create", "bad_json", times=None, done=True),
        DailyFault("create", "delay", times=None, after_ms=60_000),
        DailyFault("token", "status", times=None, status=500),
        DailyFault("token", "hang", times=None),
        DailyFault("token", "bad_json", times=None),
        DailyFault("token", "status", times=None, status=400),
    ],
    ids=lambda fault: f"{fault.on}-{fault.action}-{fault.status}-{fault.done}",
)
async def test_a_lasting_failure_is_told_in_time_and_leaves_no_room(
    daily: DailyStandin, impatient: Rooms, fault: DailyFault
) -> None:
    """A lasting failure of any step gives the visitor a reason in time and leaves no room."""
    daily.fail(fault)
    async with asyncio.timeout(3):
        with pytest.raises(UpstreamError) as failure:
            await impatient.open()
    assert failure.value.http_status == 503
    await no_room_left(daily)


async def test_the_visitor_is_told_within_eight_seconds(daily: DailyStandin, rooms: Rooms) -> None:
    """With the default timeouts, a Daily that never answers gives the visitor a reason within eight seconds."""
    daily.fail(DailyFault("create", "hang", times=None, done=True))
    async with asyncio.timeout(8):
        with pytest.raises(UpstreamError):
            await rooms.open()
    await no_room_left(daily)


async def test_what_daily_asks_to_wait_is_waited(daily: DailyStandin, rooms: Rooms) -> None:
    """The service honours a Retry-After of one second, which fits into the visitor's deadline."""
    daily.fail(DailyFault("create", "status", status=429, retry_after=1))
    began = time.monotonic()
    room = await rooms.open()
    assert time.monotonic() - began >= 1
    assert daily.requests[:2] == [("create", 429), ("create", 200)]
    await rooms.delete(room)
    await no_room_left(daily)


async def test_a_deletion_that_fails_is_tried_again(daily: DailyStandin, rooms: Rooms) -> None:
    """The service retries a deletion after each kind of failure, and honours Retry-After."""
    room = await rooms.open()
    for fault in (
        DailyFault("delete", "status", status=500),
        DailyFault("delete", "status", status=429, retry_after=1),
    ):
        daily.fail(fault)
    began = time.monotonic()
    await rooms.delete(room)
    await no_room_left(daily)
    assert time.monotonic() - began >= 1


async def test_closing_waits_for_deletions_but_not_for_ever(daily: DailyStandin) -> None:
    """A draining task deletes its rooms within a deadline; a room that Daily does not delete expires."""
    rooms = rooms_at(daily)
    await rooms.delete(await rooms.open())
    await rooms.aclose()
    assert daily.open_rooms == []
    rooms = rooms_at(daily)
    await rooms.delete(await rooms.open())
    daily.fail(DailyFault("delete", "hang", times=None))
    async with asyncio.timeout(8):
        await rooms.aclose()
    assert len(daily.open_rooms) == 1


async def test_a_wrong_key_is_not_tried_again(daily: DailyStandin) -> None:
    """The service does not retry with a wrong key, because it stays wrong."""
    rooms = rooms_at(daily, daily_api_key=SecretStr("another"))
    with pytest.raises(DailyFailed, match="status_401") as failure:
        await rooms.open()
    await rooms.aclose()
    assert failure.value.again is False
    assert daily.requests == [("create", 401)]
    await no_room_left(daily)


async def test_a_long_wait_is_passed_on(daily: DailyStandin, rooms: Rooms) -> None:
    """The visitor gets a Retry-After of half a minute at once."""
    daily.fail(DailyFault("create", "status", status=429, retry_after=30))
    async with asyncio.timeout(2):
        with pytest.raises(DailyFailed) as failure:
            await rooms.open()
    assert failure.value.retry_after == 30
    assert daily.requests == [("create", 429)]
    await no_room_left(daily)


async def test_a_visitor_who_gives_up_leaves_no_room(daily: DailyStandin, rooms: Rooms) -> None:
    """Cancelling the start deletes the room, during its creation or that of the tokens."""
    for fault in (DailyFault("token", "hang", times=None), DailyFault("create", "hang", times=None, done=True)):
        daily.fail(fault)
        session_request = asyncio.create_task(rooms.open())
        await until(lambda: len(daily.ledger.created) > len(daily.ledger.deleted))
        await asyncio.sleep(0.05)
        session_request.cancel()
        await asyncio.wait({session_request})
        daily.clear_faults()
        await no_room_left(daily)


async def test_nobody_there() -> None:
    """A refused connection gives the visitor a reason like any other failure."""
    async with DailyStandin() as gone:
        pass
    rooms = rooms_at(gone)
    async with asyncio.timeout(8):
        with pytest.raises(DailyFailed, match="ConnectError"):
            await rooms.open()
        await rooms.aclose()  # nothing was sent, so there is nothing to delete


async def test_a_redirect_does_not_get_the_key(daily: DailyStandin, rooms: Rooms) -> None:
    """The service follows no redirect, so the key stays with Daily."""
    daily.fail(DailyFault("create", "status", status=307))
    with pytest.raises(DailyFailed, match="status_307"):
        await rooms.open()
