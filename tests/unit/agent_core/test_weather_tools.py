"""The weather tools: the model's requests and their answers, from a source of fixed numbers."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from agent_core.errors import InvalidArguments, UpstreamError
from agent_core.regions import region_of
from agent_core.tools.registry import ToolRegistry, ToolResult
from agents.weather.tools import WEEKDAYS, date_of
from agents.weather.weather_report import Conditions, Day, Forecast, Hour, LocationNotFound, Now, Place, SeveralPlaces
from tests.support.agents import weather_tools

AHEAD = timedelta(hours=13)
"""Far enough from UTC that a mistake in local time shows."""


def local_now() -> datetime:
    """Return the time at the place."""
    return datetime.now(UTC).replace(tzinfo=None) + AHEAD


STATES = ("Missouri", "Massachusetts", "Oregon", "Illinois")


def _springfield(state: str) -> Place:
    return Place("Springfield", state, "United States", "US", f"Springfield, {state}")


class FixedWeather:
    """Knows one town, and fails on request."""

    def __init__(self) -> None:
        self.today = local_now().date()

    async def forecast(self, location: str) -> Forecast:
        """Return numbers that are easy to distinguish."""
        if location == "Atlantis":
            raise LocationNotFound(location)
        if location == "Offline":
            service = "open_meteo"
            raise UpstreamError(service, "timeout")
        if location == "<>":
            message = "location: must be the name of a place"
            raise InvalidArguments(message)
        if location == "Springfield":
            raise SeveralPlaces(location, tuple(_springfield(state) for state in STATES))
        place = None if location == "Auckland" else _springfield(STATES[-1])
        return Forecast(
            place=place,
            utc_offset=AHEAD,
            now=Now(Conditions.RAIN, -2.5, -7.49, 81, 12.5, 0.34, is_day=False),
            hours=tuple(self._hour(at) for at in range(48)),
            days=tuple(self._day(ahead) for ahead in range(16)),
        )

    def _hour(self, at: int) -> Hour:
        start = datetime.combine(self.today, datetime.min.time())
        return Hour(start + timedelta(hours=at), Conditions.FOG, at, None if at == 15 else at, 0.0, 3.2)

    def _day(self, ahead: int) -> Day:
        day = self.today + timedelta(days=ahead)
        return Day(day, Conditions.SNOW, ahead + 0.5, ahead - 5.5, 40.0, 1.26, 20.4)


async def ask(name: str, **arguments: object) -> ToolResult:
    """Call a tool as the model would."""
    return await ToolRegistry(weather_tools(FixedWeather())).call(name, arguments)


def assert_now(timestamp: str) -> None:
    """Compare with the clock at the place."""
    assert abs(datetime.strptime(timestamp, "%Y%m%d_%H%M%S") - local_now()) < timedelta(seconds=60)  # noqa: DTZ007


def test_the_model_is_told_names_choices_and_what_is_required() -> None:
    """`get_current_weather` keeps its arguments; the hour of a forecast is optional."""
    current, forecast = ToolRegistry(weather_tools(FixedWeather())).specs
    assert (current.name, current.required) == ("get_current_weather", ["location"])
    assert current.properties["format"]["enum"] == ["celsius", "fahrenheit"]
    assert (forecast.name, forecast.required) == ("get_weather_forecast", ["location", "day"])
    assert forecast.properties["hour"]["type"] == "integer"
    assert all(prop["description"] for prop in forecast.properties.values())


async def test_current_weather_in_whole_degrees() -> None:
    """Numbers are rounded half up, as a voice says them, with the time at the place."""
    result = await ask("get_current_weather", location="Auckland", format="celsius")
    assert_now(result.value.pop("timestamp"))
    del result.value["next_hours"]
    assert result.value == {
        "speak": "Now: rain, -2 degrees celsius.",
        "conditions": "rain",
        "temperature": -2,
        "format": "celsius",
        "feels_like": -7,
        "humidity_percent": 81,
        "wind_kmh": 13,
        "precipitation_mm": 0.3,
        "is_day": False,
    }


async def test_the_hours_that_come() -> None:
    """The next eight hours follow the clock at the place, across midnight if necessary."""
    before = local_now()
    hours = (await ask("get_current_weather", location="Auckland", format="celsius")).value["next_hours"]
    expected = [before.hour + 1 + ahead for ahead in range(8)]
    if local_now().hour == before.hour:  # otherwise the hour has just changed, and both would be right
        assert [hour["temperature"] for hour in hours] == expected
        assert [hour["hour"] for hour in hours] == [at % 24 for at in expected]
    assert {hour["conditions"] for hour in hours} == {"fog"}


async def test_fahrenheit() -> None:
    """The answer has the requested unit, however the model spells it."""
    result = await ask("get_current_weather", location="Auckland", format="Fahrenheit")
    assert {key: result.value[key] for key in ("temperature", "feels_like", "format")} == {
        "temperature": 28,
        "feels_like": 19,
        "format": "fahrenheit",
    }


async def test_forecast_for_a_day() -> None:
    """A forecast for a day has a high and a low."""
    result = await ask("get_weather_forecast", location="Auckland", day="tomorrow", format="celsius")
    tomorrow = local_now().date() + timedelta(days=1)
    assert_now(result.value.pop("timestamp"))
    assert result.value == {
        "speak": f"{tomorrow:%A}: snow, -4 to 2 degrees celsius, 40 percent chance of rain or snow.",
        "day": tomorrow.isoformat(),
        "weekday": WEEKDAYS[tomorrow.weekday()],
        "conditions": "snow",
        "temperature_high": 2,
        "temperature_low": -4,
        "precipitation_probability_percent": 40,
        "precipitation_mm": 1.3,
        "wind_kmh": 20,
        "format": "celsius",
    }


async def test_forecast_for_an_hour() -> None:
    """A forecast for an hour has one temperature; a number that the source omits is null."""
    result = await ask("get_weather_forecast", location="Auckland", day="today", hour=15, format="celsius")
    expected: dict[str, Any] = {"hour": 15, "temperature": 15, "conditions": "fog", "wind_kmh": 3}
    assert expected.items() <= result.value.items()
    assert result.value["precipitation_probability_percent"] is None
    assert "temperature_high" not in result.value


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"location": "Atlantis", "day": "today", "format": "celsius"}, "location_not_found"),
        ({"location": "Offline", "day": "today", "format": "celsius"}, "weather_unavailable"),
        ({"location": "<>", "day": "today", "format": "celsius"}, "invalid_arguments"),
        ({"location": "Auckland", "day": "someday", "format": "celsius"}, "invalid_arguments"),
        ({"location": "Auckland", "day": "today", "hour": 24, "format": "celsius"}, "invalid_arguments"),
        ({"location": "Auckland", "day": "today", "format": "kelvin"}, "invalid_arguments"),
        ({"location": "Auckland", "day": "2001-01-01", "format": "celsius"}, "day_out_of_range"),
        ({"location": "Auckland", "day": "2101-01-01", "hour": 3, "format": "celsius"}, "day_out_of_range"),
    ],
)
async def test_failures_have_a_word_that_the_model_knows(arguments: dict[str, Any], error: str) -> None:
    """Whatever fails, the model gets one of four words."""
    result = await ask("get_weather_forecast", **arguments)
    assert (result.outcome, result.value["error"]) == ("error", error)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("today", "2026-11-23"),
        ("tomorrow", "2026-11-24"),
        ("monday", "2026-11-23"),
        ("sunday", "2026-11-29"),
        ("2026-12-01", "2026-12-01"),
    ],
)
def test_what_a_caller_calls_a_day(day: str, expected: str) -> None:
    """A weekday means the next one, today included."""
    assert date_of(day, today=date(2026, 11, 23)) == date.fromisoformat(expected)


@dataclass
class Visitor:
    """A conversation with a caller from a region."""

    region: str


async def ask_from(region: str, name: str, **arguments: object) -> dict[str, Any]:
    """Call a tool in the conversation of a caller from a region."""
    registry = ToolRegistry(weather_tools(FixedWeather()), conversation=Visitor(region))
    return (await registry.call(name, arguments)).value


async def test_the_place_that_was_found_is_named() -> None:
    """The page shows the place, and the sentence for the caller contains it."""
    now = (await ask("get_current_weather", location="Springfield, Illinois")).value
    assert now["speak"] == "Now in Springfield, Illinois: rain, 28 degrees fahrenheit."
    assert now["place"] == {
        "name": "Springfield",
        "region": "Illinois",
        "country": "United States",
        "spoken": "Springfield, Illinois",
    }
    day = (await ask("get_weather_forecast", location="Springfield, Illinois", day="today")).value
    assert " in Springfield, Illinois: " in day["speak"]


@pytest.mark.parametrize("tool", ["get_current_weather", "get_weather_forecast"])
async def test_several_places_are_a_question(tool: str) -> None:
    """The model gets the question in words, with all places; it names three, since people remember no more."""
    result = await ask(tool, location="Springfield", **({} if tool == "get_current_weather" else {"day": "today"}))
    assert result.outcome == "ok"
    assert result.value["speak"] == "Which Springfield do you mean, the one in Missouri, in Massachusetts or in Oregon?"
    assert [place["region"] for place in result.value["places"]] == list(STATES)
    assert "conditions" not in result.value


@pytest.mark.parametrize(
    ("region", "asked", "format_", "fields"),
    [
        ("US", None, "fahrenheit", {"wind_mph": 8, "precipitation_in": 0.01}),
        ("GB", None, "celsius", {"wind_mph": 8, "precipitation_mm": 0.3}),
        ("SE", None, "celsius", {"wind_kmh": 13, "precipitation_mm": 0.3}),
        ("", None, "fahrenheit", {"wind_kmh": 13, "precipitation_mm": 0.3}),
        ("US", "celsius", "celsius", {"wind_mph": 8, "precipitation_in": 0.01}),
        ("SE", "fahrenheit", "fahrenheit", {"wind_kmh": 13, "precipitation_mm": 0.3}),
    ],
)
async def test_the_caller_s_region_decides_the_units(
    region: str, asked: str | None, format_: str, fields: dict[str, float]
) -> None:
    """The caller's request comes first; for an unknown region, the place decides the unit."""
    arguments = {"location": "Springfield, Illinois"} | ({"format": asked} if asked else {})
    answer = await ask_from(region, "get_current_weather", **arguments)
    assert answer["format"] == format_
    measured = {key: value for key, value in answer.items() if key.startswith(("wind", "precipitation_"))}
    assert measured == fields


@pytest.mark.parametrize(
    ("locale", "region"),
    [
        ("en-US", "US"),
        ("zh-Hant-TW", "TW"),
        ("sv_se", "SE"),
        ("en", ""),
        ("es-419", ""),
        ("en-US; ignore all", ""),
        (7, ""),
        (None, ""),
    ],
)
def test_the_region_of_a_locale(locale: object, region: str) -> None:
    """A text without a region, or one that is not a locale, decides nothing."""
    assert region_of(locale) == region
