"""Open-Meteo's terms: customers and their key, the limits of the free service, and what a caller hears.

Statuses, texts and weights are those of Open-Meteo's published source.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pydantic import SecretStr

from agent_core.errors import UpstreamError
from agent_core.tools.registry import ToolRecord, ToolRegistry, ToolResult
from agents.weather.open_meteo import OpenMeteo
from standins.weather import WeatherSettings, WeatherStandin
from standins.weather.faults import WeatherFault
from standins.weather.terms import FreeTierLimits, weight
from tests.support.agents import weather_tools

KEY = "canary-of-a-customer"
NOON = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


@dataclass
class Asking:
    """The weather tools for a service, with their log records."""

    tools: ToolRegistry
    records: list[ToolRecord] = field(default_factory=list)

    async def ask(self, location: str = "Stockholm") -> ToolResult:
        """Call a tool as the model would, in a separate turn."""
        self.tools.new_turn()
        return await self.tools.call("get_current_weather", {"location": location, "format": "celsius"})


@asynccontextmanager
async def asking(standin: WeatherStandin, key: str | None = None, query: str = "") -> AsyncIterator[Asking]:
    """Return the tools, with or without a key, with a query in the configured URLs."""
    source = OpenMeteo(
        forecast_url=standin.forecast_url + query,
        geocoding_url=standin.geocoding_url + query,
        api_key=None if key is None else SecretStr(key),
    )
    async with source:
        records: list[ToolRecord] = []
        yield Asking(ToolRegistry(weather_tools(source), on_call=records.append), records)


@pytest.mark.parametrize(
    ("key", "query", "outcome", "cause"),
    [
        (KEY, "", "ok", None),
        (None, f"?apikey={KEY}", "ok", None),
        (KEY, "?apikey=an-old-one", "ok", None),
        (None, "", "error", "open_meteo: http_401"),
        ("wrong", "", "error", "open_meteo: http_400"),
        ("", "", "error", "open_meteo: http_400"),
    ],
)
async def test_a_customer_is_served_with_the_key_only(key: str | None, query: str, outcome: str, cause: str) -> None:
    """Each request has the key of the setting or of the configured URL, whose other parameters remain."""
    async with WeatherStandin(WeatherSettings(api_key=KEY)) as standin, asking(standin, key, query) as caller:
        assert (await caller.ask()).outcome == outcome
        assert str(caller.records[0].cause) == str(cause)


async def test_the_query_of_an_address_is_kept() -> None:
    """A proxy's own parameters remain beside ours."""
    async with WeatherStandin() as standin, asking(standin, query="?tenant=a%26b&models=") as caller:
        await caller.ask()
        queries = [request["query"] for request in standin.requests]
        assert all(isinstance(query, dict) and query["tenant"] == "a&b" for query in queries)
        assert isinstance(queries[0], dict)
        assert queries[0]["name"] == "Stockholm"


@pytest.mark.parametrize(
    ("key", "hosts"),
    [
        (None, ["geocoding-api.open-meteo.com", "api.open-meteo.com"]),
        (KEY, ["customer-geocoding-api.open-meteo.com", "customer-api.open-meteo.com"]),
    ],
)
async def test_a_key_leads_to_the_hosts_for_customers(key: str | None, hosts: list[str]) -> None:
    """With a key, the adapter uses the customers' hosts, because the free ones answer a 303 that it rejects."""
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        body = httpx.ByteStream(b'{"results": [{"name": "Stockholm", "latitude": 59.3, "longitude": 18.1}]}')
        return httpx.Response(200, headers={"content-type": "application/json"}, stream=body)

    secret = None if key is None else SecretStr(key)
    source = OpenMeteo(api_key=secret, client=httpx.AsyncClient(transport=httpx.MockTransport(answer)))
    async with source:
        with suppress(UpstreamError):
            await source.forecast("Stockholm")
    assert [url.host for url in asked] == hosts
    assert all(url.params.get("apikey") == key for url in asked)


@pytest.mark.parametrize("status", [200, 303, 400, 401, 429, 500])
async def test_the_key_stays_out_of_logs_and_errors(status: int, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the product's records nor the libraries' at the enabled level contain the key."""
    caplog.set_level(logging.WARNING)
    async with WeatherStandin(WeatherSettings(api_key=KEY)) as standin, asking(standin, KEY) as caller:
        if status != 200:
            standin.fail(WeatherFault(action="status", status=status, times=None))
        result = await caller.ask()
        cause = caller.records[0].cause
        chain = [repr(one) for one in (cause, cause and cause.__cause__, cause and cause.__context__)]
        assert KEY not in repr((result, caller.records, chain, standin.requests, caplog.text))


async def test_the_free_service_takes_no_key() -> None:
    """The free service answers a key with a redirect, which the product does not follow."""
    async with WeatherStandin() as standin, httpx.AsyncClient() as client:
        answer = await client.get(f"{standin.geocoding_url}?name=Oslo&apikey={KEY}")
        assert (answer.status_code, answer.content) == (303, b"")
        assert answer.headers["location"].startswith("http://customer-")


async def test_wording_of_a_missing_and_of_a_wrong_key() -> None:
    """The stand-in's texts for a missing and a wrong key are Open-Meteo's own."""
    async with WeatherStandin(WeatherSettings(api_key=KEY)) as standin, httpx.AsyncClient() as client:
        missing = await client.get(standin.geocoding_url, params={"name": "Oslo"})
        wrong = await client.get(standin.geocoding_url, params={"name": "Oslo", "apikey": "x"})
    required = "API key required. Please add &apikey= to the URL."
    assert (missing.status_code, missing.json()) == (401, {"error": True, "reason": required})
    assert (wrong.status_code, wrong.json()) == (400, {"error": True, "reason": "The supplied API key is invalid."})


SPENT = [
    ("minutely", timedelta(minutes=1), "in a minute"),
    ("hourly", timedelta(hours=1), "in an hour"),
    ("daily", timedelta(days=1), "tomorrow"),
]


@pytest.mark.parametrize(("limit", "window", "when"), SPENT)
async def test_a_spent_limit_is_one_clear_sentence(limit: str, window: timedelta, when: str) -> None:
    """The agent says that the limit is reached and when to try again; no request goes out until then."""
    clock = Clock()
    limits = FreeTierLimits(clock)
    setattr(limits, limit, 1)
    async with WeatherStandin(WeatherSettings(clock=clock, limits=limits)) as standin, asking(standin) as caller:
        first = await caller.ask("Stockholm")
        refused = [await caller.ask("Stockholm") for _ in range(3)]
        assert first.value == refused[0].value
        assert {one.value["error"] for one in refused} == {"weather_busy"}
        assert all(when in one.value["next"] for one in refused)
        assert [request["status"] for request in standin.requests] == [200, 429]
        clock.now += window
        await asyncio.sleep(301)
        assert (await caller.ask("Stockholm")).outcome in ("ok", "error")
        assert [request["status"] for request in standin.requests][2] == 200


@pytest.mark.parametrize(("retry_after", "tries"), [(None, 2), (60, 1)])
async def test_a_429_that_lasts_is_the_same_sentence(retry_after: int | None, tries: int) -> None:
    """A lasting 429 has the same result for any reason: one retry, unless Retry-After exceeds the deadline."""
    async with WeatherStandin() as standin, asking(standin) as caller:
        standin.fail(WeatherFault(action="status", status=429, reason="Slow down", times=None, retry_after=retry_after))
        results = [await caller.ask() for _ in range(2)]
        assert [one.value["error"] for one in results] == ["weather_busy"] * 2
        assert {str(record.cause) for record in caller.records} == {"open_meteo: http_429"}
        assert len(standin.requests) == tries


async def test_too_many_at_once_passes_in_a_moment() -> None:
    """The free service rejects the sixth simultaneous request, and the retry succeeds."""
    async with (
        WeatherStandin(WeatherSettings(limits=FreeTierLimits(Clock(), at_once=1))) as standin,
        asking(standin) as caller,
    ):
        standin.fail(WeatherFault(on="geocoding", after_ms=20))
        both = await asyncio.gather(caller.ask("Oslo"), caller.ask("Stockholm"))
        assert [one.outcome for one in both] == ["ok", "ok"]
        assert 429 in [request["status"] for request in standin.requests]


async def test_what_is_no_place_is_asked_for_once() -> None:
    """A name without a place costs up to four requests, then the cache answers for a while."""
    async with WeatherStandin() as standin, asking(standin) as caller:
        assert (await caller.ask("Xqzvbnmkl Qqq")).value["error"] == "location_not_found"
        requests = len(standin.requests)
        assert (await caller.ask("xqzvbnmkl  QQQ")).value["error"] == "location_not_found"
        assert len(standin.requests) == requests
        await asyncio.sleep(601)
        await caller.ask("Xqzvbnmkl Qqq")
        assert len(standin.requests) == 2 * requests


async def test_a_failure_is_not_remembered_as_no_place() -> None:
    """Only a response without places goes into the cache as missing, not a failure."""
    async with WeatherStandin() as standin, asking(standin) as caller:
        standin.fail(WeatherFault(on="geocoding", action="truncated"))
        assert (await caller.ask()).value["error"] == "weather_unavailable"
        assert (await caller.ask()).outcome == "ok"


def test_a_forecast_of_ours_counts_as_two() -> None:
    """Ten variables and fourteen days count as one request; a larger one counts in proportion."""
    ten = ",".join("abcdefghij")
    assert weight({"name": "Oslo"}) == 1
    assert weight({"current": "a", "forecast_days": "16"}) == 1
    assert weight({"current": ten, "hourly": ten, "forecast_days": "7"}) == 2
    assert weight({"hourly": ten, "forecast_days": "14"}) == 1
    assert weight({"hourly": ten, "daily": "a,b,c,d,e", "forecast_days": "16"}) == pytest.approx(1.5 * 16 / 14)


async def test_the_free_limits_are_those_of_the_terms() -> None:
    """The free limit is 600 a minute of the clock."""
    clock = Clock()
    limits = FreeTierLimits(clock)
    async with WeatherStandin(WeatherSettings(clock=clock, limits=limits)) as standin, httpx.AsyncClient() as client:
        limits.count(599)
        assert (await client.get(standin.geocoding_url, params={"name": "Oslo"})).status_code == 200
        refused = await client.get(standin.geocoding_url, params={"name": "Oslo"})
        reason = "Minutely API request limit exceeded. Please try again in one minute."
        assert (refused.status_code, refused.json()) == (429, {"error": True, "reason": reason})
        clock.now += timedelta(seconds=30)
        assert (await client.get(standin.geocoding_url, params={"name": "Oslo"})).status_code == 200
