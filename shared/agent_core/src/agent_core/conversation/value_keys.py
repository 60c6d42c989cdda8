"""Collect the keys of a value that the caller was asked to type. No I/O, no clock, no tasks."""

from typing import Final

FIRST_KEY_SECONDS: Final = 30.0
"""Longest wait for the first key: the caller hears the request, and looks for a letter with the number."""
NEXT_KEY_SECONDS: Final = 12.0
"""Longest pause between two keys; reading a long number off a card takes some seconds for each group."""
LONGEST_SECONDS: Final = 120.0
"""Longest time for one value, however slowly its keys come."""
MOST_KEYS: Final = 32
END: Final = "#"
CANCEL: Final = "*"


class ValueKeys:
    """Collects digits until ``#``, a pause, or the most that a value has.

    Meanwhile 0 is a digit and calls no person; ``*`` ends the input without a value.
    """

    def __init__(self) -> None:
        self.due: float | None = None
        """When to call ``expire``; None if no value is being typed."""
        self._keys = ""
        self._latest = 0.0

    @property
    def active(self) -> bool:
        """Whether the next keys are a value."""
        return self.due is not None

    def start(self, now: float) -> None:
        """Take the next keys as a value."""
        self._keys = ""
        self._latest = now + LONGEST_SECONDS
        self.due = now + FIRST_KEY_SECONDS

    def stop(self) -> None:
        """Take keys as usual again; what was typed is dropped."""
        self.due, self._keys = None, ""

    def press(self, key: str, now: float) -> str | None:
        """Add a key; return the value when it is complete, empty if the caller cancelled it, None before."""
        if key == CANCEL:
            self.stop()
            return ""
        if key != END:
            self._keys += key
            self.due = min(now + NEXT_KEY_SECONDS, self._latest)
        return self._finish() if key == END or len(self._keys) >= MOST_KEYS else None

    def expire(self, now: float) -> str | None:
        """Return what was typed if the time for it is over; None otherwise, and if nothing was typed."""
        return self._finish() or None if self.due is not None and now >= self.due else None

    def _finish(self) -> str:
        keys = self._keys
        self.stop()
        return keys
