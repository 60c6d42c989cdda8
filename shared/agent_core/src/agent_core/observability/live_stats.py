"""Report the tallies of active conversations.

A tally is the only place where a conversation is counted. Its end record reports it once, at the end; operators and the
daily budget need the numbers sooner, so the differences are read at intervals.
"""

from collections.abc import Callable

from agent_core.events import COUNTED, SessionStats

type Added = dict[str, int]
"""What was added, keyed by the tally's field; for a model error, by ``ERROR`` and its name."""

ERROR = "model_errors."


class LiveStats:
    """Reports what was added to any tally since the last look.

    Args:
        tell: Receives the sum over all of them, if anything was added.
    """

    def __init__(self, tell: Callable[[Added], None]) -> None:
        self._tell = tell
        self._seen: dict[int, tuple[SessionStats, Added]] = {}

    def follow(self, stats: SessionStats) -> None:
        """Follow this tally too; its present values already count as added."""
        self._seen.setdefault(id(stats), (stats, {}))

    def leave(self, stats: SessionStats) -> None:
        """Read it for the last time."""
        self.follow(stats)
        self.look()
        # Only after the last look, or its final counts would be lost.
        del self._seen[id(stats)]

    def look(self) -> None:
        """Report what was added since the last look."""
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
