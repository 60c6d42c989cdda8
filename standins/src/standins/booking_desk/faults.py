"""Faults that the desk plays on request."""

from dataclasses import dataclass
from typing import Final, Self

_ACTIONS: Final = frozenset({"slow", "error", "vanish"})
_LONGEST_MS: Final = 600_000


@dataclass(slots=True)
class DeskFault:
    """One fault.

    Attributes:
        action: ``slow`` answers late; ``error`` fails; ``vanish`` does what was asked and answers
            only after a minute.
        on: Name of a tool, or ``any``.
        after_ms: How long it waits before.
        times: Number of calls to spoil; None for all from now on.
    """

    action: str
    on: str = "any"
    after_ms: int = 0
    times: int | None = 1

    @classmethod
    def read(cls, value: object) -> Self:
        """Return the fault of a JSON object.

        Raises:
            ValueError: it is none.
        """
        # A misspelt key would otherwise be a fault that never happens.
        if not isinstance(value, dict) or not value.keys() <= {"action", "on", "after_ms", "times"}:
            raise ValueError("a fault is an object with action, on, after_ms and times")
        if value.get("action") not in _ACTIONS:
            raise ValueError(f"action must be one of {', '.join(sorted(_ACTIONS))}")
        after, times = value.get("after_ms", 0), value.get("times", 1)
        if not isinstance(after, int) or not 0 <= after <= _LONGEST_MS:
            raise ValueError(f"after_ms must be 0 to {_LONGEST_MS}")
        if times is not None and (not isinstance(times, int) or times < 1):
            raise ValueError("times must be at least 1, or null")
        return cls(str(value["action"]), str(value.get("on", "any")), after, times)
