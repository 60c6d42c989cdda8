"""Daily's REST API as a small server: rooms and tokens, their errors and limits; no sound."""

from standins.daily.server import DailySettings, DailyStandin

__all__ = ["DailyStandin", "DailySettings"]
