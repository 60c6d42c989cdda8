"""Follow the tallies of conversations that go on.

A tally is the one place where a conversation is counted. Its end record tells it once, at the end; an operator, and
the day's limit of spending, want to know sooner. So now and then somebody looks at what was added.
"""

from collections.abc import Callable

from agent_core.events import COUNTED, SessionStats

type Added = dict[str, int]
"""What was added, by the name of the tally's field; for a model's error, by ``ERROR`` and its name."""

ERROR = "model_errors."


class LiveStats:
    """Tells what was added to any tally since it was last looked at.

    Args:
        tell: Takes the sum over all of them, where anything was added.
    """

    def __init__(self, tell: Callable[[Added], None]) -> None:
        self._tell = tell
        self._seen: dict[int, tuple[SessionStats, Added]] = {}

    def follow(self, stats: SessionStats) -> None:
        """Look at this one too; what it holds already counts as added."""
        self._seen.setdefault(id(stats), (stats, {}))

    def leave(self, stats: SessionStats) -> None:
        """Look at it for the last time."""
        self.follow(stats)
        self.look()
        del self._seen[id(stats)]

    def look(self) -> None:
        """Tell what was added since the last look."""
        added = dict.fromkeys(COUNTED, 0)
        for stats, seen in self._seen.values():
            for name, now in _counts(stats).items():
                added[name] = added.get(name, 0) + now - seen.get(name, 0)
                seen[name] = now
        if any(added.values()):
            self._tell(added)


def _counts(stats: SessionStats) -> Added:
    errors = {f"{ERROR}{kind}": count for kind, count in stats.model_errors.items()}
    return {name: getattr(stats, name) for name in COUNTED} | errors
