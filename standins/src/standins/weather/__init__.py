"""A pretend Open-Meteo: its two addresses, its shapes and its errors, with invented numbers."""

from standins.weather.server import WeatherSettings, WeatherStandin

__all__ = ["WeatherSettings", "WeatherStandin"]
