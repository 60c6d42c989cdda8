"""Daily's stand-in follows Daily's public documentation."""

import base64
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from standins.daily import DailySettings, DailyStandin
from standins.daily.errors import RestRefusedError
from standins.daily.rate_limits import RateLimit
from tests.support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    """Return a stopped clock."""
    return Clock(1_800_000_000.0)


@pytest.fixture
async def daily(clock: Clock) -> AsyncIterator[DailyStandin]:
    """Return a stand-in with this clock."""
    async with DailyStandin(DailySettings(clock=clock)) as standin:
        yield standin


@pytest.fixture
async def client(daily: DailyStandin) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client with the key."""
    headers = {"Authorization": f"Bearer {daily.api_key}"}
    async with httpx.AsyncClient(base_url=daily.api_url, headers=headers, trust_env=False) as client:
        yield client


async def test_a_room_lives_until_it_is_deleted(client: httpx.AsyncClient) -> None:
    """A client can create, show, list and delete a room."""
    made = (await client.post("rooms", json={"name": "hello", "privacy": "private"})).json()
    assert (made["name"], made["url"], made["api_created"]) == ("hello", "https://standin.daily.invalid/hello", True)
    assert (await client.get("rooms/hello")).json() == made
    assert (await client.get("rooms")).json() == {"total_count": 1, "data": [made]}
    assert (await client.delete("rooms/hello")).json() == {"deleted": True, "name": "hello"}
    gone = await client.delete("rooms/hello")
    assert (gone.status_code, gone.json()["error"]) == (404, "not-found")
    assert "deleted" not in gone.json()


async def test_a_room_whose_time_is_over_counts_as_deleted(client: httpx.AsyncClient, clock: Clock) -> None:
    """Deleting an expired room fails with the status of a missing one."""
    await client.post("rooms", json={"name": "short", "properties": {"exp": int(clock.now) + 60}})
    clock.now += 61
    assert (await client.get("rooms/short")).status_code == 404
    deleted = await client.delete("rooms/short")
    assert (deleted.status_code, deleted.json()["deleted"]) == (404, True)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "with space"},
        {"name": "x" * 129},
        {"privacy": "secret"},
        {"properties": {"exp": "soon"}},
        {"properties": {"exp": True}},
        {"properties": {"eject_at_room_exp": 1}},
        {"properties": {"max_participants": 0}},
        {"properties": {"no_such_thing": 1}},
        {"properties": []},
        {"exp": 1},
    ],
)
async def test_a_wrong_room_is_refused(client: httpx.AsyncClient, daily: DailyStandin, body: object) -> None:
    """The stand-in rejects a wrong room with Daily's constant, and creates nothing."""
    answer = await client.post("rooms", json=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid-request-error")
    assert daily.ledger.created == []


async def test_a_name_is_taken_once(client: httpx.AsyncClient) -> None:
    """The second request for a room name fails with a reason."""
    assert (await client.post("rooms", json={"name": "one"})).status_code == 200
    again = await client.post("rooms", json={"name": "one"})
    assert (again.status_code, "already exists" in again.json()["info"]) == (400, True)


async def test_a_token_says_what_was_asked_and_is_signed(client: httpx.AsyncClient, daily: DailyStandin) -> None:
    """A token has the requested claims and a signature, which is verified with its expiry."""
    token = (await client.post("meeting-tokens", json={"properties": {"room_name": "r", "is_owner": True}})).json()[
        "token"
    ]
    assert (await client.get(f"meeting-tokens/{token}")).json()["is_owner"] is True
    head, body, signature = token.split(".")
    forged = base64.urlsafe_b64encode(json.dumps({"room_name": "r", "is_owner": False}).encode()).decode().rstrip("=")
    answer = await client.get(f"meeting-tokens/{head}.{forged}.{signature}")
    assert answer.status_code == 400
    assert body != forged
    assert daily.ledger.tokens == [{"room_name": "r", "is_owner": True}]


@pytest.mark.parametrize(
    ("header", "status", "error"),
    [
        ({}, 400, "authorization-header-error"),
        ({"Authorization": "Basic eA=="}, 400, "authorization-header-error"),
        ({"Authorization": "Bearer wrong"}, 401, "authentication-error"),
    ],
)
async def test_who_has_no_key_gets_nothing(
    daily: DailyStandin, header: dict[str, str], status: int, error: str
) -> None:
    """A missing header and a wrong key are different errors."""
    async with httpx.AsyncClient(base_url=daily.api_url, headers=header, trust_env=False) as client:
        answer = await client.post("rooms", json={})
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert daily.ledger.created == []


async def test_what_is_no_json_is_told(client: httpx.AsyncClient) -> None:
    """Invalid JSON is an error of its own."""
    answer = await client.post("rooms", content=b"{")
    assert (answer.status_code, answer.json()["error"]) == (400, "json-parsing-error")


async def test_too_many_deletions_are_refused_for_a_while(client: httpx.AsyncClient, clock: Clock) -> None:
    """The limit is fifty deletions in thirty seconds and does not affect other requests."""
    deletions = [await client.delete("rooms/x") for _ in range(51)]
    assert [answer.status_code for answer in deletions] == [404] * 50 + [429]
    assert deletions[-1].json()["error"] == "rate-limit-error"
    assert (await client.post("rooms", json={})).status_code == 200
    clock.now += 30
    assert (await client.delete("rooms/x")).status_code == 404


async def test_listings_are_as_slow_as_deletions(client: httpx.AsyncClient, clock: Clock) -> None:
    """Listings and deletions share a limit of about two a second, which does not affect other requests."""
    answers = [await client.get("/rooms") if one % 2 else await client.delete("/rooms/none") for one in range(52)]
    assert [answer.status_code for answer in answers[-2:]] == [429, 429]
    assert answers[-1].json()["error"] == "rate-limit-error"
    assert set(answers[-1].json()) == {"error", "info"}
    assert (await client.get("/rooms/none")).status_code == 404
    clock.now += 30
    assert (await client.get("/rooms")).status_code == 200


def test_a_hundred_requests_fit_into_five_seconds(clock: Clock) -> None:
    """Rejected requests do not count, and old ones no longer count."""
    limit = RateLimit(100, 5, clock)
    for _ in range(100):
        limit.take()
    with pytest.raises(RestRefusedError, match="too many requests"):
        limit.take()
    clock.now += 5
    limit.take()


async def test_faults_are_set_and_cleared_over_http(daily: DailyStandin, client: httpx.AsyncClient) -> None:
    """A developer can set a fault by hand over HTTP, and the ledger records its effect."""
    control = daily.api_url.removesuffix("/v1") + "/control"
    fault = {"on": "create", "action": "status", "status": 429, "retry_after": 3}
    assert (await client.post(f"{control}/faults", json=fault)).status_code == 200
    assert (await client.post(f"{control}/faults", json={"on": "nothing"})).status_code == 400
    answer = await client.post("rooms", json={})
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["error"]) == (429, "3", "rate-limit-error")
    await client.post(f"{control}/faults", json=fault)
    await client.delete(f"{control}/faults")
    assert (await client.post("rooms", json={"name": "fine"})).status_code == 200
    ledger = (await client.get(f"{control}/ledger")).json()
    assert (ledger["created"], ledger["open"], ledger["requests"]) == (
        ["fine"],
        ["fine"],
        [["create", 429], ["create", 200]],
    )
