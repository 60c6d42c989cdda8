"""Open-Meteo's answers with anything missing, null, odd or in other units: the known values are returned."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_core.tools.registry import ToolRegistry
from agents.weather.open_meteo.payloads import CONDITIONS, CURRENT, DAILY, HOURLY, read_forecast, read_places
from agents.weather.weather_report import Conditions, Forecast
from tests.support.agents import weather_tools

NUMBERS = {"weather_code": 61, "is_day": 1, "relative_humidity_2m": 80, "precipitation": 0.4}
HOURS = 30
DAYS = 3


def answer() -> dict[str, Any]:
    """Return a whole answer whose first day is today (UTC)."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    hours = [f"{today + timedelta(hours=ahead):%Y-%m-%dT%H:%M}" for ahead in range(HOURS)]
    days = [f"{today + timedelta(days=ahead):%Y-%m-%d}" for ahead in range(DAYS)]
    return {
        "utc_offset_seconds": 0,
        "current_units": {name: next(iter(one.units), "") for name, one in CURRENT.items()},
        "current": {"time": hours[0], **{name: NUMBERS.get(name, 7.5) for name in CURRENT}},
        "hourly_units": {name: next(iter(one.units), "") for name, one in HOURLY.items()},
        "hourly": {"time": hours, **{name: [NUMBERS.get(name, 7.5)] * HOURS for name in HOURLY}},
        "daily_units": {name: next(iter(one.units), "") for name, one in DAILY.items()},
        "daily": {"time": days, **{name: [NUMBERS.get(name, 7.5)] * DAYS for name in DAILY}},
    }


def read(body: object) -> Forecast:
    """Parse an answer as it arrives."""
    return read_forecast(orjson.dumps(body))


PARTS = ("current", "hourly", "daily", "current_units", "hourly_units", "daily_units")
PLACES = [(part, name) for part in PARTS for name in answer()[part]]
odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["°F", "K", "inch", "mp/h", "undefined"]),
    st.just([]),
    st.just({}),
    st.lists(st.one_of(st.none(), st.integers(-1000, 1000), st.just("x"), st.just([1])), max_size=40),
)
changes = st.lists(st.tuples(st.sampled_from(PLACES), st.one_of(st.just("…gone"), odd)), max_size=12)


@given(changes, st.lists(st.sampled_from(PARTS[:3]), max_size=2))
async def test_nothing_that_is_missing_takes_the_rest_with_it(
    changed: list[tuple[tuple[str, str], object]], gone: list[str]
) -> None:
    """With any values null, absent or odd, the tools return each value that was left unchanged."""
    body = copy.deepcopy(answer())
    for (part, name), value in changed:
        body[part].pop(name, None) if value == "…gone" else body[part].update({name: value})
    for part in gone:
        body[part] = None
    try:
        forecast = read(body)
    except ValueError as error:
        assert str(error) == "nothing is known"  # noqa: PT017 - parsing may also succeed
        return
    touched = {place for place, _ in changed}
    if "current" not in gone:
        for name, value in (("temperature_2m", forecast.now.temperature), ("wind_speed_10m", forecast.now.wind)):
            if not {("current", name), ("current_units", name)} & touched:
                assert value == 7.5
    tools = ToolRegistry(weather_tools(Known(forecast)))
    spot = {"location": "Oslo", "format": "fahrenheit"}
    results = [await tools.call("get_current_weather", spot)]
    results += [await tools.call("get_weather_forecast", {**spot, "day": "today", "hour": hour}) for hour in (None, 9)]
    for result in results:
        assert result.outcome == "ok" or result.value["error"] in ("weather_unavailable", "day_out_of_range")


class Known:
    """A source that knows one forecast."""

    def __init__(self, forecast: Forecast) -> None:
        self._forecast = forecast

    async def forecast(self, location: str) -> Forecast:
        """Return it for any place."""
        del location
        return self._forecast


@given(st.one_of(odd, st.dictionaries(st.sampled_from([*PARTS, "utc_offset_seconds"]), odd)))
def test_what_is_no_answer_is_a_value_error(body: object) -> None:
    """An invalid answer raises ValueError, which the adapter reports as one word."""
    try:
        read(body)
    except ValueError:
        return


@pytest.mark.parametrize("code", [4, 42, 99.5, -1, 100, None, "61", True])
def test_an_unknown_code_is_unknown_conditions(code: object) -> None:
    """An unknown code means unknown conditions, and the numbers beside it are still returned."""
    body = answer()
    body["current"]["weather_code"] = code
    now = read(body).now
    assert (now.conditions, now.temperature) == (Conditions.UNKNOWN, 7.5)


def test_every_documented_code_has_its_conditions() -> None:
    """Every code of the documented table has conditions."""
    assert Conditions.UNKNOWN not in CONDITIONS.values()
    assert set(CONDITIONS.values()) | {Conditions.UNKNOWN} == set(Conditions)


@pytest.mark.parametrize(
    ("name", "unit", "value", "expected"),
    [
        ("temperature_2m", "°F", 50, 10),
        ("temperature_2m", "K", 283, None),
        ("temperature_2m", "°C", 999, None),
        ("temperature_2m", 7, 9, 9),
        ("wind_speed_10m", "m/s", 10, 36),
        ("wind_speed_10m", "mp/h", 10, 16.09344),
        ("wind_speed_10m", "kn", 10, 18.52),
        ("wind_speed_10m", "parsec", 10, None),
    ],
)
def test_other_units_are_converted_or_not_believed(
    name: str, unit: object, value: float, expected: float | None
) -> None:
    """A configured address may use other units; a number in an unknown unit is dropped."""
    body = answer()
    body["current_units"][name] = unit
    body["current"][name] = value
    now = read(body).now
    found = now.temperature if name == "temperature_2m" else now.wind
    assert found == pytest.approx(expected)


def test_hours_and_days_of_which_nothing_is_known_are_left_out() -> None:
    """Hours and days without values are left out, since a weather model may end earlier than the forecast."""
    body = answer()
    for name in HOURLY:
        body["hourly"][name] = body["hourly"][name][:10]
    body["daily"] |= {"weather_code": [61, None, None], "temperature_2m_max": [None, 3, None]}
    body["daily"]["temperature_2m_min"] = None
    body["hourly"]["time"][4] = "soon"
    forecast = read(body)
    assert len(forecast.hours) == 9
    assert [(day.high, day.conditions) for day in forecast.days] == [(None, Conditions.RAIN), (3, Conditions.UNKNOWN)]


def test_a_hit_that_is_no_place_is_passed_over() -> None:
    """A null region does not discard a place; a hit without a position is discarded."""
    good = {"name": "Oslo", "latitude": 59.9, "longitude": 10.7, "country": None, "population": None, "admin1": 5}
    body = {"results": [None, {"name": "Nowhere"}, {**good, "latitude": 999}, good]}
    (place,) = read_places(orjson.dumps(body))
    assert (place.name, place.country, place.population) == ("Oslo", "", 0)
    wrong: list[object] = [{"results": [{"name": "Nowhere"}]}, {"results": "none"}, [], None]
    for broken in wrong:
        with pytest.raises(ValueError, match="no"):
            read_places(orjson.dumps(broken))
    assert read_places(b'{"results": null}') == read_places(b"{}") == ()
