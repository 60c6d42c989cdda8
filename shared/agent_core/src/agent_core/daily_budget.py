"""Estimate the model's cost from its own token counts, and enforce the daily budget."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent_core.events import SessionStats
from agent_core.settings import CoreSettings

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars per thousand tokens."""

    speech_input: float
    text_input: float
    speech_output: float
    text_output: float

    @classmethod
    def of(cls, settings: CoreSettings) -> "Prices":
        """Return the prices of the settings."""
        return cls(
            settings.speech_input_usd_per_1k_tokens,
            settings.text_input_usd_per_1k_tokens,
            settings.speech_output_usd_per_1k_tokens,
            settings.text_output_usd_per_1k_tokens,
        )

    def cost(self, tokens: Mapping[str, int]) -> float:
        """Return the cost of ``tokens``, whose keys are a tally's field names."""
        heard = tokens["speech_input_tokens"] * self.speech_input + tokens["text_input_tokens"] * self.text_input
        said = tokens["speech_output_tokens"] * self.speech_output + tokens["text_output_tokens"] * self.text_output
        return (heard + said) / 1000

    def cost_of(self, stats: SessionStats) -> float:
        """Return the cost of one conversation so far."""
        names = ("speech_input_tokens", "text_input_tokens", "speech_output_tokens", "text_output_tokens")
        return self.cost({name: getattr(stats, name) for name in names})


class DailyBudget:
    """What this task has spent today; a day starts at midnight UTC.

    Args:
        limit: US dollars per day; None for no limit.
        clock: Unix seconds.
    """

    def __init__(self, limit: float | None, clock: Callable[[], float] = time.time) -> None:
        self._limit = limit
        self._clock = clock
        self._day = clock() // _DAY
        self._spent = 0.0
        self.before_look: Callable[[], None] = lambda: None
        """Called before the sum is read, to add what active conversations have cost."""

    def add(self, dollars: float) -> None:
        """Add a cost."""
        today = self._clock() // _DAY
        # Reset lazily: the first cost or check of a new day starts at zero.
        if today != self._day:
            self._day, self._spent = today, 0.0
        self._spent += dollars

    @property
    def seconds_left(self) -> float:
        """Seconds until the day ends."""
        return _DAY - self._clock() % _DAY

    @property
    def is_over(self) -> bool:
        """Whether the daily limit is reached."""
        if self._limit is None:
            return False
        self.before_look()
        # Resets the sum if a new day has started since the last cost.
        self.add(0.0)
        return self._spent >= self._limit
