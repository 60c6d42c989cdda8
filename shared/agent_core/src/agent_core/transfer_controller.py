"""Transfer a conversation to a configured person, after the agent has announced it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import structlog

from agent_core import causes
from agent_core.closing import GracefulHangup
from agent_core.errors import UpstreamError
from agent_core.events import EndReason, SessionStats
from agent_core.summary import BY_KEY
from agent_core.tools.registry import ToolFailure

type AskedBy = Literal["tool", "key"]

_CONNECTING = "If the caller is still to hear it, say in one short sentence that you are connecting them."
_SHOWN = "The page now shows how to reach a person. Say so in one short sentence."
_NOBODY = "Say that you can reach nobody from here, and help the caller yourself."
_ENOUGH = "Say that people were called already and none could take the call, and help the caller yourself."
MAX_TRANSFERS = 2
"""Most transfers of one call. A caller who asks again after a failed attempt gets a second one, but not a third."""


class People(Protocol):
    """How a channel connects a person."""

    @property
    def names(self) -> Sequence[str]:
        """Names of the people who can be reached; key 0 calls the first."""

    @property
    def takes_over(self) -> bool:
        """Whether the caller is transferred, after an announcement; otherwise the page shows something at once."""

    async def bring(self, destination: str, summary: str) -> None:
        """Transfer the caller, or show how to reach a person.

        Raises:
            UpstreamError: it failed; nothing has changed for the caller.
        """


class TransferController:
    """The transfers of one conversation: one at a time, and a limited number.

    Args:
        people: Connects people over this channel; None if the channel cannot.
        stats: Counts the replies.
        summary: Returns a paragraph about the conversation, for a reason.
        succeeded: Called when the person has taken over the caller.
        failed: Called when the transfer failed, with the destination.
        transfers: How often the caller was transferred before and came back.
        log: Names the conversation on every line.
    """

    def __init__(  # noqa: PLR0913 - its ties to the conversation, made in one place
        self,
        people: People | None,
        *,
        stats: SessionStats,
        summary: Callable[[str], str],
        succeeded: Callable[[], None],
        failed: Callable[[str], None],
        transfers: int,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self._people = people
        self._names = tuple(people.names) if people is not None else ()
        self._summary = summary
        self._succeeded = succeeded
        self._failed = failed
        self._announcement = GracefulHangup(stats, self._announced)
        self._wanted: tuple[str, str] | None = None
        self._left = MAX_TRANSFERS - transfers
        self._calling: asyncio.Task[bool] | None = None
        self._log = log

    @property
    def by_key(self) -> str | None:
        """The person that key 0 calls; None if that key has no special meaning."""
        takes_over = self._people is not None and self._people.takes_over
        return self._names[0] if takes_over and self._names and self._left > 0 else None

    @property
    def under_way(self) -> bool:
        """Whether the caller is about to be transferred."""
        return self._wanted is not None and (self._calling is None or not self._calling.done())

    async def ask(self, destination: str, reason: str) -> dict[str, Any]:
        """Transfer at the model's request; return what the model receives as the result.

        Raises:
            ToolFailure: no person can be reached this way, or not again.
        """
        if self._people is None or destination not in self._names:
            raise ToolFailure("nobody_to_ask", _NOBODY)
        if not self._people.takes_over:
            try:
                await self._people.bring(destination, "")
            except UpstreamError as error:
                raise ToolFailure("page_not_reached") from error
            self._log.info("call_back_shown", destination=destination)
            return {"status": "shown", "destination": destination, "next": _SHOWN}
        # A model may repeat a tool call: the same request gets the same result while the transfer is in progress.
        if self.under_way and self._wanted is not None:
            if destination != self._wanted[0]:
                raise ToolFailure("transfer_under_way", f"Say that you are connecting the caller to {self._wanted[0]}.")
        elif self._left <= 0:
            # More attempts would only keep the caller listening to ringing.
            raise ToolFailure("already_transferred", _ENOUGH)
        else:
            self._begin(destination, reason, by="tool")
            self._announcement.begin(EndReason.TRANSFERRED)
        return {"status": "connecting", "destination": destination, "next": _CONNECTING}

    def press(self) -> None:
        """Transfer because the caller pressed the key for it, whatever the agent was saying."""
        destination = self.by_key
        if destination is not None and not self.under_way:
            self._begin(destination, BY_KEY, by="key")
            self._announcement.begin(EndReason.TRANSFERRED, still_speaking=False)

    def call_at_once(self) -> None:
        """Skip the announcement of a pending transfer: there is no model left to speak it."""
        if self.under_way:
            self._announcement.cancel()
            self._announced(EndReason.TRANSFERRED)

    def answer_heard(self) -> None:
        """Record that the caller has heard the agent's words to their end."""
        self._announcement.answer_heard()

    async def done(self) -> bool:
        """Wait for a transfer in progress; return True if the person has taken over."""
        return self._calling is not None and await asyncio.shield(self._calling)

    def cancel(self) -> None:
        """Cancel a transfer in progress."""
        self._announcement.cancel()
        if self._calling is not None:
            self._calling.cancel()

    def _begin(self, destination: str, reason: str, *, by: AskedBy) -> None:
        self._left -= 1
        self._calling = None
        self._announcement.withdraw()  # of a failed attempt
        # Taken now, because everything said from here on is about the transfer.
        self._wanted = destination, self._summary(reason)
        self._log.info("transfer_asked", destination=destination, by=by)

    def _announced(self, _reason: EndReason) -> None:
        if self._calling is None:
            self._calling = asyncio.create_task(self._call(), name="transfer")

    async def _call(self) -> bool:
        assert self._people is not None  # noqa: S101 - nothing begins without people
        assert self._wanted is not None  # noqa: S101 - `_begin` has set it
        destination, summary = self._wanted
        try:
            await self._people.bring(destination, summary)
        except UpstreamError as error:
            self._log.warning("transfer_failed", destination=destination, error=error.reason, **causes.fields(error))
            self._failed(destination)
            return False
        self._left = 0  # this conversation is over
        self._log.info("transfer_started", destination=destination)
        self._succeeded()
        return True
