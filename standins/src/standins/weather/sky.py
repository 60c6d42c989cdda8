"""Invented weather: plausible for latitude, season and hour, and reproducible. Pure arithmetic.

This is not a forecast. Every value follows from the place and the time: noise seeded with both, added to a mean climate
of the latitude. Elevation, seas and mountains are ignored.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_HOUR = timedelta(hours=1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_WET = 0.72
"""Above this wetness it rains or snows: about one hour in six."""
_RISE = -0.0145
"""Sine of the sun's elevation when its upper edge appears, including refraction."""


@dataclass(frozen=True, slots=True)
class HourlyWeather:
    """The weather of one hour: degrees Celsius, km/h, mm, hPa, percent, metres."""

    temperature: float
    humidity: float
    dew_point: float
    apparent: float
    probability: float
    rain: float
    showers: float
    snow: float
    code: int
    cloud: float
    pressure: float
    wind: float
    direction: float
    gusts: float
    visibility: float
    is_day: bool

    @property
    def precipitation(self) -> float:
        """Sum of all precipitation, as water."""
        return self.rain + self.showers + self.snow


@dataclass(frozen=True, slots=True)
class Spot:
    """A place that has weather."""

    latitude: float
    longitude: float

    def at(self, time: datetime) -> HourlyWeather:
        """Return the weather of the hour that contains ``time`` (UTC)."""
        # The same place and time always give the same weather, in every process.
        hours = math.floor((time - _EPOCH) / _HOUR)
        sun = self.sun(_EPOCH + hours * _HOUR)
        wet = 0.5 + 0.5 * self._noise("wet", hours / 11)
        # Whole hours only: all minutes of an hour share one moment, as in Open-Meteo's hourly data.
        cloud = _between(0, 0.15 + 0.85 * wet + 0.25 * self._noise("cloud", hours / 6), 1)
        falling = max(0.0, (wet - _WET) / (1 - _WET))
        # It never rains from a clear sky.
        cloud = max(cloud, 0.85) if falling else cloud
        swing = (2.0 + 3.5 * (1 - cloud)) * math.cos(math.tau * (self._solar_hour(hours) - 15) / 24)
        temperature = self._climate(hours) + swing
        wind = max(0.5, 12 + 0.12 * abs(self.latitude) + 11 * self._noise("wind", hours / 9))
        humidity = _between(15, 68 + 44 * (wet - 0.5) - 3 * swing, 100)
        # Some rain is showers, which have codes of their own.
        shower = self._noise("shower", hours / 8) > 0.2  # noqa: PLR2004 - a little less than half of the time
        amount = round(0.1 + 2.4 * falling**3, 1) if falling else 0.0
        snowing = temperature < 0.6  # noqa: PLR2004 - wet snow falls slightly above zero
        return HourlyWeather(
            temperature=temperature,
            humidity=humidity,
            dew_point=temperature - (100 - humidity) / 5,
            apparent=_apparent(temperature, humidity, wind),
            probability=97 * _between(0, (wet - 0.35) / 0.55, 1),
            rain=0.0 if shower or snowing else amount,
            showers=amount if shower and not snowing else 0.0,
            snow=amount if snowing else 0.0,
            code=_code(temperature, cloud, falling, shower=shower, foggy=humidity > 96 and wind < 9),  # noqa: PLR2004
            cloud=100 * cloud,
            pressure=1014 + 11 * self._noise("front", hours / 50) - 10 * (wet - 0.5),
            wind=wind,
            direction=(180 + 180 * self._noise("direction", hours / 30)) % 360,
            gusts=wind * 1.8 + 4,
            visibility=24_140 if cloud < 1 and not falling else 9_000,
            is_day=sun > _RISE,
        )

    def sun(self, time: datetime) -> float:
        """Return the sine of the sun's elevation."""
        latitude, declination = math.radians(self.latitude), _declination(time)
        # The elevation of the sun above the horizon, as a sine.
        hour_angle = math.radians(15 * (self._solar_hour((time - _EPOCH) / _HOUR) - 12))
        return math.sin(latitude) * math.sin(declination) + math.cos(latitude) * math.cos(declination) * math.cos(
            hour_angle
        )

    def daylight(self, noon: datetime) -> timedelta:
        """Return the length of daylight on the day around ``noon``."""
        latitude, declination = math.radians(self.latitude), _declination(noon)
        # Beyond the polar circles the cosine leaves the range from -1 to 1: the sun does not rise, or does not set.
        cosine = (_RISE - math.sin(latitude) * math.sin(declination)) / (math.cos(latitude) * math.cos(declination))
        return timedelta(hours=24 * math.acos(_between(-1, cosine, 1)) / math.pi)

    def _climate(self, hours: float) -> float:
        """Return the mean of latitude and season, with warm and cold spells of a few days."""
        day = (_EPOCH + hours * _HOUR).timetuple().tm_yday
        # The warmest day is in July in the north, in January in the south.
        warmest = 200 if self.latitude >= 0 else 17
        season = (1 + 0.17 * abs(self.latitude)) * math.cos(math.tau * (day - warmest) / 365.25)
        spell = (1 + 0.06 * abs(self.latitude)) * self._noise("spell", hours / 70)
        return 27.5 - 0.0062 * self.latitude**2 + season + spell

    def _solar_hour(self, hours: float) -> float:
        return (hours + self.longitude / 15) % 24

    def _noise(self, name: str, x: float) -> float:
        """Return a smooth random curve between -1 and 1, the same for the same place and name."""
        # Smooth noise: interpolate between random values at whole numbers.
        left = math.floor(x)
        mix = (1 - math.cos(math.pi * (x - left))) / 2
        return (1 - mix) * _knot(self, name, left) + mix * _knot(self, name, left + 1)


@lru_cache(maxsize=100_000)
def _knot(spot: Spot, name: str, at: int) -> float:
    text = f"{spot.latitude:.2f} {spot.longitude:.2f} {name} {at}"
    # A hash instead of a random generator, so that no state is needed.
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest()) / 2**31 - 1


def _declination(time: datetime) -> float:
    return math.radians(-23.44 * math.cos(math.tau * (time.timetuple().tm_yday + 10) / 365.25))


def _apparent(temperature: float, humidity: float, wind: float) -> float:
    """Return the apparent temperature (Steadman, as used by the Australian weather service)."""
    # Australian apparent temperature.
    vapour = humidity / 100 * 6.105 * math.exp(17.27 * temperature / (237.7 + temperature))
    return temperature + 0.33 * vapour - 0.7 * wind / 3.6 - 4


def _code(temperature: float, cloud: float, falling: float, *, shower: bool, foggy: bool) -> int:
    """Return the WMO weather code."""
    if falling and temperature < 0.6:  # noqa: PLR2004 - as above
        return _step(falling, (85, 0.6, 86)) if shower else _step(falling, (71, 0.3, 73, 0.7, 75))
    if falling and shower:
        storm = (80, 0.3, 81, 0.6, 95, 0.9, 96) if temperature > 18 else (80, 0.4, 81, 0.8, 82)  # noqa: PLR2004
        return _step(falling, storm)
    if falling:
        return _step(falling, (51, 0.1, 53, 0.2, 61, 0.5, 63, 0.8, 65))
    return 45 if foggy else _step(cloud, (0, 0.25, 1, 0.4, 2, 0.65, 3))


def _step(level: float, codes: tuple[float, ...]) -> int:
    """Select from ``(code, bound, code, bound, …, code)``."""
    for code, bound in zip(codes[::2], codes[1::2], strict=False):
        if level < bound:
            return int(code)
    return int(codes[-1])


def _between(low: float, value: float, high: float) -> float:
    return min(max(value, low), high)
