"""The opening hours of `agent.yaml`, for the tools: one place for them."""

from pathlib import Path
from typing import Final

import yaml

from agent_core.agents import opening_hours

HOURS: Final = opening_hours.parse(
    yaml.safe_load(Path(__file__).with_name("agent.yaml").read_text(encoding="utf-8"))["opening_hours"]
)
"""Spans of each weekday from Monday, in minutes after midnight."""
