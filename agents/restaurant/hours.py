"""The opening hours of `agent.yaml`, for the tools: this way nobody has to change them in two places."""

from datetime import time
from pathlib import Path
from typing import Final

import yaml

from .tables import Hours

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _read(path: Path) -> Hours:
    hours: dict[int, tuple[tuple[time, time], ...]] = {}
    for days, spans in yaml.safe_load(path.read_text(encoding="utf-8"))["opening_hours"].items():
        first, _, last = days.partition("-")
        for day in range(_DAYS.index(first), _DAYS.index(last or first) + 1):
            hours[day] = tuple(_span(span) for span in spans) if isinstance(spans, list) else ()
    return hours


def _span(text: str) -> tuple[time, time]:
    opens, _, closes = text.partition("-")
    return time.fromisoformat(opens), time.fromisoformat(closes)


HOURS: Final = _read(Path(__file__).with_name("agent.yaml"))
