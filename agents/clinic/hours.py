"""The opening hours of `agent.yaml`, for the tools: one place for them."""

from pathlib import Path
from typing import Final

from agent_core.agents import opening_hours

HOURS: Final = opening_hours.read(Path(__file__).parent)
"""Spans of each weekday from Monday, in minutes after midnight."""
