"""A pretend Open-Meteo: its two addresses, its shapes and its errors, with invented numbers."""

from standins.weather.server import Settings, WeatherStandin

__all__ = ["Settings", "WeatherStandin"]
