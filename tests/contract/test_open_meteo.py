"""Our adapter against Open-Meteo: the stand-in always, the live service too with `LIVE_SERVICES=1`.

No test distinguishes them: a rule for one must hold for the other.
"""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from agent_core.errors import UpstreamError
from agents.weather.open_meteo import FORECAST_URL, GEOCODING_URL, OpenMeteo
from agents.weather.open_meteo.payloads import CURRENT, DAILY, HOURLY
from agents.weather.weather_report import LocationNotFound
from standins.weather import WeatherStandin
from voice_agent.run.ports import free_port


@dataclass(frozen=True)
class Service:
    """The URLs of one of the two."""

    forecast_url: str
    geocoding_url: str


SERVICES = ("standin", "live") if os.environ.get("LIVE_SERVICES") == "1" else ("standin",)


@pytest.fixture(params=SERVICES)
async def service(request: pytest.FixtureRequest) -> AsyncIterator[Service]:
    """Return the stand-in, then the live service if it is requested."""
    if request.param == "live":
        yield Service(FORECAST_URL, GEOCODING_URL)
        return
    async with WeatherStandin() as standin:
        yield Service(standin.forecast_url, standin.geocoding_url)


@pytest.fixture
async def weather(service: Service) -> AsyncIterator[OpenMeteo]:
    """Return our adapter for that service."""
    async with OpenMeteo(forecast_url=service.forecast_url, geocoding_url=service.geocoding_url) as adapter:
        yield adapter


async def get(url: str, **query: str) -> tuple[int, dict[str, Any]]:
    """Send a request without any code of ours."""
    async with httpx.AsyncClient() as client:
        response = await client.get(url, params=query)
    assert response.headers["content-type"].startswith("application/json")
    return response.status_code, response.json()


PLACES = {
    "Stockholm": {1, 2},
    "Stockholm, Sweden": {1, 2},
    "Paris, Texas": {-6, -5},
    "Paris Texas": {-6, -5},
    "San Francisco, CA": {-8, -7},
    "New York City": {-5, -4},
    "new york, ny": {-5, -4},
    "Washington, D.C.": {-5, -4},
    "London, UK": {0, 1},
    "London, Ontario": {-5, -4},
    "東京": {9},
    "São Paulo, Brazil": {-3},
}
"""Places in callers' words, with the hours by which their clocks are ahead of UTC in winter and summer."""


async def test_a_place_by_the_name_people_use(weather: OpenMeteo) -> None:
    """The clock at the place shows that the geocoder found the right one of several."""
    found = {location: (await weather.forecast(location)).utc_offset for location in PLACES}
    assert {location for location in PLACES if found[location] / timedelta(hours=1) not in PLACES[location]} == set()


async def test_no_such_place(weather: OpenMeteo) -> None:
    """A missing place and a failed service are different errors."""
    for location in ("Xqzvbnmkl", "Stockholm, Xqzvbnmkl", "169.254.170.2", "..-..-etc-passwd"):
        with pytest.raises(LocationNotFound):
            await weather.forecast(location)


async def test_sixteen_days_by_the_hour(weather: OpenMeteo) -> None:
    """Sixteen days by the hour are local days from midnight, with consistent numbers."""
    forecast = await weather.forecast("Auckland, New Zealand")
    local = datetime.now(UTC).replace(tzinfo=None) + forecast.utc_offset
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    assert forecast.hours[0].time == midnight
    assert [day.date for day in forecast.days[:15]] == [
        (midnight + timedelta(days=ahead)).date() for ahead in range(15)
    ]
    for day in forecast.days[:7]:
        hours = [hour.temperature for hour in forecast.hours if hour.time.date() == day.date]
        temperatures = [degrees for degrees in hours if degrees is not None]
        assert len(temperatures) == 24
        assert (day.low, day.high) == pytest.approx((min(temperatures), max(temperatures)), abs=1.5)
    low, now, high = forecast.days[0].low, forecast.now.temperature, forecast.days[0].high
    assert None not in (low, now, high)
    assert (low or 0) - 3 <= (now or 0) <= (high or 0) + 3


async def test_shape_of_a_forecast(service: Service) -> None:
    """A forecast has every requested variable with its unit, in lists of one length."""
    status, body = await get(
        service.forecast_url,
        latitude="59.33",
        longitude="18.07",
        current=",".join(CURRENT),
        hourly=",".join(HOURLY),
        daily=",".join((*DAILY, "sunrise", "sunset")),
        timezone="auto",
        forecast_days="3",
    )
    assert status == 200
    assert (body["timezone"], body["utc_offset_seconds"]) in {("Europe/Stockholm", 3600), ("Europe/Stockholm", 7200)}
    assert body["timezone_abbreviation"] in {"GMT+1", "GMT+2", "CET", "CEST"}
    assert {"latitude", "longitude", "generationtime_ms", "elevation"} <= body.keys()
    assert set(body["current"]) == {"time", "interval", *CURRENT} == set(body["current_units"])
    assert body["current"]["interval"] == 900
    assert datetime.fromisoformat(body["current"]["time"]).minute % 15 == 0
    assert set(body["hourly"]) == {"time", *HOURLY} == set(body["hourly_units"])
    assert {len(column) for column in body["hourly"].values()} == {72}
    assert set(body["daily"]) == {"time", *DAILY, "sunrise", "sunset"} == set(body["daily_units"])
    assert {len(column) for column in body["daily"].values()} == {3}
    units = body["hourly_units"]
    assert [units[name] for name in ("temperature_2m", "wind_speed_10m", "weather_code", "precipitation")] == [
        "°C",
        "km/h",
        "wmo code",
        "mm",
    ]


async def test_other_units(service: Service) -> None:
    """Another unit changes the numbers and is named."""
    spot = {"latitude": "59.33", "longitude": "18.07", "current": "temperature_2m,wind_speed_10m"}
    _, metric = await get(service.forecast_url, **spot)
    _, other = await get(service.forecast_url, **spot, temperature_unit="fahrenheit", wind_speed_unit="mph")
    assert other["current_units"]["temperature_2m"] == "°F"
    assert other["current_units"]["wind_speed_10m"] == "mp/h"
    assert other["current"]["temperature_2m"] == pytest.approx(metric["current"]["temperature_2m"] * 1.8 + 32, abs=0.2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"latitude": "999"}, "Latitude must be in range of -90 to 90°. Given: 999.0."),
        ({"longitude": "-999"}, "Longitude must be in range of -180 to 180°. Given: -999.0."),
        ({"hourly": "tempeture_2m"}, "tempeture_2m"),
        ({"daily": "nothing", "timezone": "auto"}, "nothing"),
        ({"forecast_days": "17"}, "Forecast days is invalid. Allowed range 0 to 16. Given 17."),
        ({"timezone": "Mars/Olympus"}, "Invalid timezone"),
    ],
)
async def test_wrong_queries_are_refused_with_a_reason(service: Service, change: dict[str, str], reason: str) -> None:
    """A wrong query gets a 400 and an object with the reason."""
    status, body = await get(service.forecast_url, **{"latitude": "59.33", "longitude": "18.07", **change})
    assert (status, body["error"]) == (400, True)
    assert reason in body["reason"]


async def test_shape_of_a_place(service: Service) -> None:
    """The largest place of a name comes first, with the fields that distinguish it."""
    status, body = await get(service.geocoding_url, name="Stockholm", count="10", language="en", format="json")
    hit = body["results"][0]
    assert status == 200
    assert (hit["id"], hit["name"], hit["country_code"], hit["country"]) == (2673730, "Stockholm", "SE", "Sweden")
    assert (hit["timezone"], hit["feature_code"]) == ("Europe/Stockholm", "PPLC")
    assert (hit["latitude"], hit["longitude"]) == pytest.approx((59.33, 18.07), abs=0.02)
    assert hit["population"] > 1_000_000
    assert body["generationtime_ms"] >= 0


async def test_region_after_a_comma_narrows(service: Service) -> None:
    """The geocoder itself understands a region after a comma."""
    _, body = await get(service.geocoding_url, name="Paris, Texas", count="10")
    assert {(hit["country_code"], hit["admin1"]) for hit in body["results"]} == {("US", "Texas")}


@pytest.mark.parametrize("name", ["Xqzvbnmkl", "x"])
async def test_nothing_found_is_an_answer_without_results(service: Service, name: str) -> None:
    """Without a match, the list is missing, not empty."""
    status, body = await get(service.geocoding_url, name=name)
    assert (status, set(body)) == (200, {"generationtime_ms"})


async def test_count_out_of_range_is_refused(service: Service) -> None:
    """The service rejects a count above a hundred places."""
    status, body = await get(service.geocoding_url, name="Paris", count="101")
    assert (status, body) == (400, {"error": True, "reason": "Parameter count must be between 1 and 100."})


async def test_a_server_that_is_not_there() -> None:
    """A refused connection is an upstream error, never an error of the network library."""
    url = f"http://127.0.0.1:{free_port()}/"
    async with OpenMeteo(forecast_url=url, geocoding_url=url) as adapter:
        with pytest.raises(UpstreamError, match="ConnectError"):
            await adapter.forecast("Stockholm")
