"""Open-Meteo's stand-in as a server for tests and developers: faults, requests, repeatable numbers."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from standins.weather import WeatherSettings, WeatherStandin

NOW = datetime(2026, 11, 23, 14, 40, tzinfo=UTC)
SPOT = {"latitude": "59.33", "longitude": "18.07", "current": "temperature_2m", "timezone": "auto"}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of a stand-in whose clock is stopped."""
    async with (
        WeatherStandin(WeatherSettings(clock=lambda: NOW)) as standin,
        httpx.AsyncClient(base_url=standin.url) as http,
    ):
        yield http


async def test_health_says_what_it_is(client: httpx.AsyncClient) -> None:
    """The health check says that the numbers are not a real forecast."""
    body = (await client.get("/health")).json()
    assert body["status"] == "ok"
    assert "invented" in body["about"]


async def test_numbers_are_repeatable(client: httpx.AsyncClient) -> None:
    """The same place at the same time has the same weather in every run."""
    first = (await client.get("/v1/forecast", params=SPOT)).json()
    async with (
        WeatherStandin(WeatherSettings(clock=lambda: NOW)) as other,
        httpx.AsyncClient(base_url=other.url) as http,
    ):
        assert (await http.get("/v1/forecast", params=SPOT)).json() == first
    assert first["current"]["time"] == "2026-11-23T15:30"


async def test_faults_are_posted_listed_and_cleared(client: httpx.AsyncClient) -> None:
    """A fault affects the given number of responses of one URL."""
    script = {"on": "forecast", "action": "status", "status": 503, "times": 1}
    assert (await client.post("/faults", json=script)).json()[0]["status"] == 503
    assert (await client.get("/v1/search", params={"name": "Paris"})).status_code == 200
    assert (await client.get("/v1/forecast", params=SPOT)).status_code == 503
    assert (await client.get("/v1/forecast", params=SPOT)).status_code == 200
    await client.post("/faults", json={"action": "html", "times": None})
    assert (await client.delete("/faults")).status_code == 204
    assert (await client.get("/faults")).json() == []


@pytest.mark.parametrize("script", [[], {"action": "explode"}, {"on": "moon"}, {"colour": "red"}])
async def test_what_is_no_fault_is_refused(client: httpx.AsyncClient, script: object) -> None:
    """The stand-in rejects a misspelt fault, which must not look like a working service."""
    response = await client.post("/faults", json=script)
    assert (response.status_code, response.json()["error"]) == (400, True)


async def test_requests_are_remembered(client: httpx.AsyncClient) -> None:
    """Tests can read each request with the status of its response."""
    await client.get("/v1/search", params={"name": "Paris"})
    await client.get("/v1/forecast", params={"latitude": "999"})
    seen = (await client.get("/requests")).json()
    assert [(one["address"], one["status"], one["query"]) for one in seen] == [
        ("geocoding", 200, {"name": "Paris"}),
        ("forecast", 400, {"latitude": "999"}),
    ]
    await client.delete("/requests")
    assert (await client.get("/requests")).json() == []
