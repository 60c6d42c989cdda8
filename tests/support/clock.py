"""A clock that a test moves."""


class Clock:
    """Stands still until a test moves it.

    Args:
        now: Seconds that it shows at first.
    """

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now
