"""A stand-in for Open-Meteo: its two endpoints, its response formats and its errors, with invented weather."""

from standins.weather.server import WeatherSettings, WeatherStandin

__all__ = ["WeatherSettings", "WeatherStandin"]
