"""What the model costs, as far as its own count of tokens tells, and the most that may be spent in a day."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent_core.events import SessionStats
from agent_core.settings import CoreSettings

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars for a thousand tokens."""

    speech_input: float
    text_input: float
    speech_output: float
    text_output: float

    @classmethod
    def of(cls, settings: CoreSettings) -> "Prices":
        """Take the prices that the settings give."""
        return cls(
            settings.speech_input_usd_per_1k_tokens,
            settings.text_input_usd_per_1k_tokens,
            settings.speech_output_usd_per_1k_tokens,
            settings.text_output_usd_per_1k_tokens,
        )

    def cost(self, tokens: Mapping[str, int]) -> float:
        """Add up: ``tokens`` has the names of a tally's fields."""
        heard = tokens["speech_input_tokens"] * self.speech_input + tokens["text_input_tokens"] * self.text_input
        said = tokens["speech_output_tokens"] * self.speech_output + tokens["text_output_tokens"] * self.text_output
        return (heard + said) / 1000

    def cost_of(self, stats: SessionStats) -> float:
        """Give what one conversation has cost so far."""
        names = ("speech_input_tokens", "text_input_tokens", "speech_output_tokens", "text_output_tokens")
        return self.cost({name: getattr(stats, name) for name in names})


class DailyBudget:
    """What this task has spent today; a day begins at midnight UTC.

    Args:
        limit: US dollars a day; None for no limit.
        clock: Unix seconds.
    """

    def __init__(self, limit: float | None, clock: Callable[[], float] = time.time) -> None:
        self._limit = limit
        self._clock = clock
        self._day = clock() // _DAY
        self._spent = 0.0
        self.before_look: Callable[[], None] = lambda: None
        """Called before the sum is looked at, to bring in what conversations that go on have cost."""

    def add(self, dollars: float) -> None:
        """Note some cost."""
        today = self._clock() // _DAY
        if today != self._day:
            self._day, self._spent = today, 0.0
        self._spent += dollars

    @property
    def seconds_left(self) -> float:
        """How long this day lasts still."""
        return _DAY - self._clock() % _DAY

    @property
    def is_over(self) -> bool:
        """Whether the day's limit is reached."""
        if self._limit is None:
            return False
        self.before_look()
        self.add(0.0)
        return self._spent >= self._limit
