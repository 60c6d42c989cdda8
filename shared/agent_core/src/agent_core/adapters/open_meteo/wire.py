"""Open-Meteo's answers as they come over the wire, checked before anybody believes them. No I/O.

Only what is asked for is read, and of that only numbers, times and names for comparison: free text from outside goes
nowhere. Times are local to the place and have no zone (``2026-11-23T14:15``), as ``timezone=auto`` makes them.
"""

from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from agent_core.weather import Conditions, Day, Forecast, Hour, Now

CONDITIONS = {
    0: Conditions.CLEAR,
    1: Conditions.MOSTLY_CLEAR,
    2: Conditions.PARTLY_CLOUDY,
    3: Conditions.OVERCAST,
    **dict.fromkeys((45, 48), Conditions.FOG),
    **dict.fromkeys((51, 53, 55), Conditions.DRIZZLE),
    **dict.fromkeys((56, 57), Conditions.FREEZING_DRIZZLE),
    **dict.fromkeys((61, 63, 65), Conditions.RAIN),
    **dict.fromkeys((66, 67), Conditions.FREEZING_RAIN),
    **dict.fromkeys((71, 73, 75), Conditions.SNOW),
    77: Conditions.SNOW_GRAINS,
    **dict.fromkeys((80, 81, 82), Conditions.RAIN_SHOWERS),
    **dict.fromkeys((85, 86), Conditions.SNOW_SHOWERS),
    95: Conditions.THUNDERSTORM,
    **dict.fromkeys((96, 99), Conditions.THUNDERSTORM_WITH_HAIL),
}
"""WMO weather interpretation codes (table 4677, the part that Open-Meteo documents)."""

# Bounds a little beyond every record on Earth: a number outside them is a fault, not weather.
type _Celsius = Annotated[float, Field(ge=-120, le=80)]
type _Percent = Annotated[float, Field(ge=0, le=100)]
type _Wind = Annotated[float, Field(ge=0, le=600)]
type _Millimetres = Annotated[float, Field(ge=0, le=5000)]
type _Code = Annotated[int, Field(ge=0, le=99)]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class Place(_Answer):
    """One hit of the geocoder; large regions and capes lack most of the optional fields."""

    name: str = Field(max_length=200)
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    population: int = Field(default=0, ge=0)
    country: str = Field(default="", max_length=200)
    country_code: str = Field(default="", max_length=2)
    admin1: str = Field(default="", max_length=200)
    admin2: str = Field(default="", max_length=200)


class Places(_Answer):
    """The geocoder's answer; ``results`` is missing when nothing was found."""

    results: tuple[Place, ...] = ()


class _Current(_Answer):
    temperature_2m: _Celsius
    apparent_temperature: _Celsius
    relative_humidity_2m: _Percent
    precipitation: _Millimetres
    weather_code: _Code
    wind_speed_10m: _Wind
    is_day: bool


class _Hourly(_Answer):
    time: list[datetime]
    temperature_2m: list[_Celsius | None]
    precipitation_probability: list[_Percent | None]
    precipitation: list[_Millimetres | None]
    weather_code: list[_Code | None]
    wind_speed_10m: list[_Wind | None]


class _Daily(_Answer):
    time: list[date]
    weather_code: list[_Code | None]
    temperature_2m_max: list[_Celsius | None]
    temperature_2m_min: list[_Celsius | None]
    precipitation_sum: list[_Millimetres | None]
    precipitation_probability_max: list[_Percent | None]
    wind_speed_10m_max: list[_Wind | None]


class Weather(_Answer):
    """The forecast's answer."""

    utc_offset_seconds: int = Field(ge=-43_200, le=50_400)
    current: _Current
    hourly: _Hourly
    daily: _Daily

    def forecast(self) -> Forecast:
        """Say it in our words.

        Raises:
            KeyError: A weather code that is not in the table.
            ValueError: The lists of one table differ in length.
        """
        current = self.current
        return Forecast(
            utc_offset=timedelta(seconds=self.utc_offset_seconds),
            now=Now(
                conditions=CONDITIONS[current.weather_code],
                temperature=current.temperature_2m,
                feels_like=current.apparent_temperature,
                humidity=current.relative_humidity_2m,
                wind=current.wind_speed_10m,
                precipitation=current.precipitation,
                is_day=current.is_day,
            ),
            hours=tuple(_hours(self.hourly)),
            days=tuple(_days(self.daily)),
        )


CURRENT = tuple(_Current.model_fields)
HOURLY = tuple(name for name in _Hourly.model_fields if name != "time")
DAILY = tuple(name for name in _Daily.model_fields if name != "time")
"""The variables to ask for: exactly those that are read."""


def _hours(table: _Hourly) -> list[Hour]:
    rows = zip(
        table.time,
        table.weather_code,
        table.temperature_2m,
        table.precipitation_probability,
        table.precipitation,
        table.wind_speed_10m,
        strict=True,
    )
    return [
        Hour(time, CONDITIONS[code], temperature, probability, rain or 0.0, wind or 0.0)
        for time, code, temperature, probability, rain, wind in rows
        if code is not None and temperature is not None
    ]


def _days(table: _Daily) -> list[Day]:
    rows = zip(
        table.time,
        table.weather_code,
        table.temperature_2m_max,
        table.temperature_2m_min,
        table.precipitation_probability_max,
        table.precipitation_sum,
        table.wind_speed_10m_max,
        strict=True,
    )
    return [
        Day(day, CONDITIONS[code], high, low, probability, rain or 0.0, wind or 0.0)
        for day, code, high, low, probability, rain, wind in rows
        if code is not None and high is not None and low is not None
    ]
