"""Choose the weather units that a caller hears and sees, for the voice and the page alike. No I/O.

The choice follows Unicode's CLDR (unitPreferenceData: temperature, wind speed and rainfall) by region.
"""

from dataclasses import dataclass
from typing import Final, Literal

type Scale = Literal["celsius", "fahrenheit"]

_FAHRENHEIT: Final = frozenset({"US", "BS", "BZ", "KY", "PR", "PW", "GU", "VI", "AS", "MP", "UM"})
_MILES: Final = frozenset({"US", "GB", "PR", "GU", "VI", "AS", "MP", "UM"})
_INCHES: Final = frozenset({"US", "PR", "GU", "VI", "AS", "MP", "UM"})
"""Including the territories of the United States, which CLDR lists through containment."""


@dataclass(frozen=True, slots=True)
class MeasurementUnits:
    """The units of one answer."""

    scale: Scale
    miles: bool
    inches: bool

    def degrees(self, celsius: float) -> float:
        """Convert a temperature."""
        return celsius * 9 / 5 + 32 if self.scale == "fahrenheit" else celsius

    def wind(self, kilometres: float | None) -> tuple[str, float | None]:
        """Return the name of the field and the speed."""
        # The unit is in the name of the field, so that the model cannot confuse them.
        if not self.miles:
            return "wind_kmh", kilometres
        return "wind_mph", None if kilometres is None else kilometres / 1.609344

    def precipitation(self, millimetres: float | None) -> tuple[str, float | None]:
        """Return the name of the field and the depth, with the precision usual for its unit."""
        # Tenths of a millimetre, hundredths of an inch: what forecasts in these units show.
        if not self.inches:
            return "precipitation_mm", None if millimetres is None else round(millimetres, 1)
        return "precipitation_in", None if millimetres is None else round(millimetres / 25.4, 2)


def units(*, asked: Scale | None, region: str, country: str) -> MeasurementUnits:
    """Choose the units.

    Args:
        asked: The scale that the caller requested, if any.
        region: Region whose units the caller is used to, ISO 3166; empty if unknown.
        country: Country of the place, which then decides the scale, as its own forecasts would.
    """
    # An explicit request wins; without a known region, the place's own custom applies.
    scale: Scale = asked or ("fahrenheit" if (region or country) in _FAHRENHEIT else "celsius")
    return MeasurementUnits(scale, region in _MILES, region in _INCHES)
