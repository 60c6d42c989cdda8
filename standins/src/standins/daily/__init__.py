"""A stand-in for Daily's REST API: rooms and tokens, with its errors and limits; without media."""

from standins.daily.server import DailySettings, DailyStandin

__all__ = ["DailySettings", "DailyStandin"]
