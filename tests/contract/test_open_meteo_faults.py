"""The weather tools with a faulty Open-Meteo: the caller hears that it failed, and no text of the response."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Literal

import pytest

from agent_core.errors import UpstreamError
from agent_core.tools.registry import ToolRecord, ToolRegistry, ToolResult
from agents.weather.open_meteo import OpenMeteo
from agents.weather.open_meteo.client import REQUESTS_AT_ONCE, REQUESTS_PER_MINUTE
from agents.weather.weather_report import LocationNotFound
from standins.weather import WeatherStandin
from standins.weather.faults import WeatherFault
from tests.support.agents import weather_tools

type Address = Literal["geocoding", "forecast"]


@pytest.fixture
async def standin() -> AsyncIterator[WeatherStandin]:
    """Return a running stand-in."""
    async with WeatherStandin() as running:
        yield running


@pytest.fixture
async def records() -> list[ToolRecord]:
    """Collect the log records."""
    return []


@pytest.fixture
async def tools(standin: WeatherStandin, records: list[ToolRecord]) -> AsyncIterator[ToolRegistry]:
    """Return the weather tools for that stand-in."""
    async with OpenMeteo(forecast_url=standin.forecast_url, geocoding_url=standin.geocoding_url) as source:
        yield ToolRegistry(weather_tools(source), on_call=records.append, clock=count(step=60).__next__)


async def ask(tools: ToolRegistry, location: str = "Stockholm") -> ToolResult:
    """Call a tool as the model would, in a separate turn."""
    tools.new_turn()
    return await tools.call("get_current_weather", {"location": location, "format": "celsius"})


def asked(standin: WeatherStandin) -> list[object]:
    """Return the requested URLs in order."""
    return [request["address"] for request in standin.requests]


@pytest.mark.parametrize("on", ["geocoding", "forecast"])
@pytest.mark.parametrize("status", [500, 503])
async def test_a_passing_failure_is_tried_once_more(
    standin: WeatherStandin, tools: ToolRegistry, on: Address, status: int
) -> None:
    """The adapter retries once after one 5xx, and the caller notices nothing."""
    standin.fail(WeatherFault(on=on, action="status", status=status))
    assert (await ask(tools)).outcome == "ok"
    assert len(standin.requests) == 3


LASTING = [
    (WeatherFault(action="status", status=500), 2, "http_500"),
    (WeatherFault(action="status", status=503, retry_after=60), 1, "http_503"),
    (WeatherFault(action="status", status=404), 1, "http_404"),
    (WeatherFault(action="redirect"), 1, "http_302"),
    (WeatherFault(action="html"), 1, "not_json"),
    (WeatherFault(action="large"), 1, "too_large"),
    (WeatherFault(action="truncated"), 1, "unexpected_answer"),
    (WeatherFault(action="nan"), 1, "unexpected_answer"),
    (WeatherFault(action="wrong_types"), 1, "unexpected_answer"),
]
"""Each fault, how often the adapter tries the URL, and the reason in the log."""


async def test_a_lasting_failure_is_told_in_one_word(
    standin: WeatherStandin, tools: ToolRegistry, records: list[ToolRecord]
) -> None:
    """After a lasting failure, the model gets a plain failure and the log gets the reason."""
    for on in ("geocoding", "forecast"):
        for fault, tries, cause in LASTING:
            before = asked(standin).count(on)
            standin.clear_faults()
            standin.fail(replace(fault, on=on, times=None))
            result = await ask(tools)
            assert (result.outcome, result.value["error"]) == ("error", "weather_unavailable")
            assert (asked(standin).count(on) - before, str(records[-1].cause)) == (tries, f"open_meteo: {cause}")


async def test_a_weather_code_that_is_not_known_takes_nothing_with_it(
    standin: WeatherStandin, tools: ToolRegistry
) -> None:
    """An unknown weather code, which Open-Meteo may add, does not hide the temperature beside it."""
    standin.fail(WeatherFault(on="forecast", action="unknown_codes"))
    now = await ask(tools)
    assert (now.outcome, now.value["conditions"]) == ("ok", "unknown")
    assert isinstance(now.value["temperature"], int)
    assert {hour["conditions"] for hour in now.value["next_hours"]} == {"unknown"}


async def test_a_forecast_with_gaps_gives_what_it_has(standin: WeatherStandin, tools: ToolRegistry) -> None:
    """A missing value or a null becomes null for the model, which can say the rest."""
    standin.fail(WeatherFault(on="forecast", action="gaps"))
    answers = [await ask(tools)]
    for hour in (None, 3, 23):
        wanted = {"location": "Stockholm", "day": "tomorrow", "format": "celsius", "hour": hour}
        answers.append(await tools.call("get_weather_forecast", wanted))
    assert {answer.outcome for answer in answers} == {"ok"}
    values = [value for answer in answers for value in answer.value.values()]
    assert None in values
    assert any(isinstance(value, int) for value in values)


async def test_a_redirect_is_not_followed(standin: WeatherStandin, tools: ToolRegistry) -> None:
    """The adapter follows no redirect: only the operator configures where requests go."""
    standin.fail(WeatherFault(on="geocoding", action="redirect", location=standin.forecast_url))
    await ask(tools)
    assert asked(standin) == ["geocoding"]


async def test_an_empty_object_is_no_place_or_no_weather(standin: WeatherStandin, tools: ToolRegistry) -> None:
    """An empty object means no place from the geocoder, and an error from the forecast."""
    standin.fail(WeatherFault(on="geocoding", action="empty"))
    assert (await ask(tools)).value["error"] == "location_not_found"
    standin.fail(WeatherFault(on="forecast", action="empty"))
    assert (await ask(tools, "Paris")).value["error"] == "weather_unavailable"


async def test_a_silent_server_is_given_up(
    standin: WeatherStandin, tools: ToolRegistry, records: list[ToolRecord]
) -> None:
    """A silent server times out after three seconds without a retry; the tool has five for everything."""
    standin.fail(WeatherFault(on="forecast", after_ms=20_000))
    async with asyncio.timeout(5):
        assert (await ask(tools)).value["error"] == "weather_unavailable"
    assert str(records[0].cause) == "open_meteo: timeout"
    assert asked(standin).count("forecast") == 0


async def test_a_caller_who_interrupts_frees_the_connection(standin: WeatherStandin, tools: ToolRegistry) -> None:
    """After a request is cancelled, the pool serves the next one."""
    standin.fail(WeatherFault(on="geocoding", after_ms=20_000))
    call = asyncio.create_task(ask(tools))
    await asyncio.sleep(0.1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await ask(tools)).outcome == "ok"


async def test_injected_text_reaches_nobody(standin: WeatherStandin, tools: ToolRegistry) -> None:
    """The model never gets injected text in names, units or extra fields of a response."""
    standin.fail(WeatherFault(on="forecast", action="injection"))
    result = await ask(tools)
    assert result.outcome == "ok"
    assert "gnore" not in json.dumps(result.value)
    assert re.fullmatch(r"Now in Stockholm: [a-z ]{3,23}(, -?[0-9]{1,3} degrees celsius)?\.", result.value.pop("speak"))
    assert result.value.pop("place") == {
        "name": "Stockholm",
        "region": "",
        "country": "Sweden",
        "spoken": "Stockholm",
    }
    assert not any(isinstance(value, str) and " " in value for value in result.value.values())


async def test_what_is_no_place_is_not_asked_for(standin: WeatherStandin, tools: ToolRegistry) -> None:
    """A URL, a header or a very long text as the place causes no request."""
    for location in ("http://169.254.170.2/v2/credentials", "a\r\nHost: b", "x" * 101, ""):
        result = await ask(tools, location)
        assert result.value["error"] == "invalid_arguments"
    assert standin.requests == []


async def test_the_same_place_is_not_asked_twice(standin: WeatherStandin, tools: ToolRegistry) -> None:
    """A follow-up question causes no request: places are cached for a day, forecasts for five minutes."""
    first = await ask(tools)
    await tools.call("get_weather_forecast", {"location": "STOCKHOLM", "day": "tomorrow", "format": "fahrenheit"})
    again = await ask(tools)
    assert asked(standin) == ["geocoding", "forecast"]
    assert first.value["temperature"] == again.value["temperature"]


async def test_a_place_that_was_not_found_is_not_looked_up_again(standin: WeatherStandin, tools: ToolRegistry) -> None:
    """The cache has a missing place for a while, in any spelling, but not a failed look-up."""
    standin.fail(WeatherFault(on="geocoding", action="status", status=404))
    assert (await ask(tools, "Xqyw Zv")).value["error"] == "weather_unavailable"
    standin.clear_faults()
    assert (await ask(tools, "Xqyw Zv")).value["error"] == "location_not_found"
    before = len(standin.requests)
    for name in ("Xqyw Zv", "xqyw zv", " XQYW  ZV "):
        assert (await ask(tools, name)).value["error"] == "location_not_found"
    assert len(standin.requests) == before


@pytest.mark.thorough
async def test_one_process_asks_so_often(standin: WeatherStandin) -> None:
    """The rate limiter of a process fails requests above its limit at once, and only for a while."""
    now = 0.0
    forecasts, places = standin.forecast_url, standin.geocoding_url
    async with OpenMeteo(forecast_url=forecasts, geocoding_url=places, clock=lambda: now) as source:
        for number in range(REQUESTS_AT_ONCE):
            with suppress(LocationNotFound):
                await source.forecast(f"Xq{number}")
        assert len(standin.requests) == REQUESTS_AT_ONCE
        with pytest.raises(UpstreamError, match="our_own_limit"):
            await source.forecast("Stockholm")
        assert len(standin.requests) == REQUESTS_AT_ONCE
        now += 2 * 60 / REQUESTS_PER_MINUTE
        await source.forecast("Stockholm")
