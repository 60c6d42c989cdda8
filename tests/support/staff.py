"""People that a test can call, and a record of the calls."""

import asyncio

from agent_core.errors import UpstreamError


class Staff:
    """A channel's people.

    Args:
        broken: Whether calling them fails.
        seconds: How long calling them takes; Twilio's slow answers take two.
    """

    names = ("reception", "sales")
    takes_over = True

    def __init__(self, *, broken: bool = False, seconds: float = 2) -> None:
        self.brought: list[str] = []
        self.summaries: list[str] = []
        self._broken = broken
        self._seconds = seconds

    def language_of(self, destination: str) -> str | None:
        """Return that it is the agent's."""
        del destination
        return None

    async def bring(self, destination: str, summary: str) -> None:
        """Call one of them."""
        self.brought.append(destination)
        self.summaries.append(summary)
        await asyncio.sleep(self._seconds)
        if self._broken:
            raise UpstreamError("twilio", "status 500")
