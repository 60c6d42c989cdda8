"""Invented weather is plausible: it follows latitude, season and hour, and is consistent."""

from datetime import UTC, datetime, timedelta
from statistics import mean

import pytest

from standins.weather.sky import HourlyWeather, Spot

STOCKHOLM, SINGAPORE, SYDNEY, LONDON = Spot(59.35, 18.05), Spot(1.3, 103.85), Spot(-33.85, 151.2), Spot(51.5, -0.1)
WINTER, SUMMER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)


def month(spot: Spot, start: datetime) -> list[HourlyWeather]:
    """Return thirty days of hours."""
    return [spot.at(start + timedelta(hours=hour)) for hour in range(30 * 24)]


@pytest.mark.parametrize(
    ("spot", "start", "low", "high"),
    [
        (STOCKHOLM, WINTER, -12, 3),
        (STOCKHOLM, SUMMER, 12, 24),
        (SINGAPORE, WINTER, 24, 31),
        (SYDNEY, WINTER, 20, 31),
        (SYDNEY, SUMMER, 8, 18),
        (LONDON, SUMMER, 14, 25),
    ],
)
def test_climate(spot: Spot, start: datetime, low: float, high: float) -> None:
    """A month is about as warm as its place's climate."""
    assert low < mean(moment.temperature for moment in month(spot, start)) < high


@pytest.mark.parametrize("spot", [STOCKHOLM, SINGAPORE, SYDNEY, LONDON, Spot(90, 0), Spot(-90, 0), Spot(0, 180)])
@pytest.mark.parametrize("start", [WINTER, SUMMER])
def test_numbers_stay_in_bounds_and_agree(spot: Spot, start: datetime) -> None:
    """Numbers stay in range and agree: a clear sky is dry, snow needs cold, percentages end at 100."""
    for moment in month(spot, start):
        assert 0 <= moment.humidity <= 100
        assert 0 <= moment.probability <= 100
        assert -70 < moment.temperature < 50
        assert (moment.precipitation > 0) == (moment.code >= 51)
        assert (moment.snow > 0) == (moment.code in {71, 73, 75, 85, 86})
        assert moment.snow == 0 or moment.temperature < 1
        assert moment.precipitation == 0 or moment.probability > 50


def test_afternoons_are_warmer_than_nights() -> None:
    """Afternoons are warmer than nights, by the sun's time."""
    moments = month(SYDNEY, SUMMER)
    afternoon, night = mean(one.temperature for one in moments[5::24]), mean(one.temperature for one in moments[18::24])
    assert afternoon > night + 3


def test_weather_changes() -> None:
    """A month has several kinds of weather, and both wet and dry days."""
    moments = month(LONDON, SUMMER)
    assert len({moment.code for moment in moments}) >= 6
    assert 0.05 < mean(moment.precipitation > 0 for moment in moments) < 0.5


@pytest.mark.parametrize(
    ("spot", "day", "hours"), [(STOCKHOLM, SUMMER, 18.3), (STOCKHOLM, WINTER, 6.2), (SINGAPORE, WINTER, 12.1)]
)
def test_days_are_as_long_as_the_sun_makes_them(spot: Spot, day: datetime, hours: float) -> None:
    """Daylight agrees with the almanac within half an hour."""
    assert spot.daylight(day) / timedelta(hours=1) == pytest.approx(hours, abs=0.5)
