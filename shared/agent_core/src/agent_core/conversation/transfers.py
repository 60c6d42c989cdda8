"""Connect a caller with a configured person, or show them how to reach one."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from agent_core import causes
from agent_core.conversation.signals import Input, RefuseTransfer, TransferFailed, TransferSucceeded
from agent_core.errors import UpstreamError
from agent_core.session_request import People
from agent_core.tools.registry import ToolFailure

_CONNECTING = "If the caller is still to hear it, say in one short sentence that you are connecting them."
_SHOWN = "The page now shows how to reach a person. Say so in one short sentence."
_UNREACHABLE = "Say that you can reach no one from here, and help the caller yourself."
_ENOUGH = "Say that people were called already and none could take the call, and help the caller yourself."


class Transfers:
    """Makes the transfers of one conversation; `ConversationState` decides about them.

    Args:
        people: Connects people over this channel; None if the channel cannot.
        report: Receives what became of a transfer.
        log: Names the conversation on every line.
    """

    def __init__(
        self, people: People | None, report: Callable[[Input], object], log: structlog.stdlib.BoundLogger
    ) -> None:
        self._people = people
        self._names = tuple(people.names) if people is not None else ()
        self._report = report
        self._log = log
        self._summary = ""
        self._calling: asyncio.Task[bool] | None = None

    @property
    def by_key(self) -> str | None:
        """The person that key 0 calls; None if that key has no special meaning on this channel."""
        takes_over = self._people is not None and self._people.takes_over
        return self._names[0] if takes_over and self._names else None

    def language_of(self, destination: str) -> str | None:
        """Return the language in which a person reads the summary; None if it is the agent's."""
        return None if self._people is None else self._people.language_of(destination)

    async def show(self, destination: str) -> dict[str, Any] | None:
        """Show how to reach a person where they cannot take over; return the model's result, None if they can.

        Raises:
            ToolFailure: no person can be reached this way.
        """
        if self._people is None or destination not in self._names:
            raise ToolFailure("nobody_to_ask", _UNREACHABLE)
        if self._people.takes_over:
            return None
        try:
            await self._people.bring(destination, "")
        except UpstreamError as error:
            raise ToolFailure("page_not_reached") from error
        self._log.info("call_back_shown", destination=destination)
        return {"status": "shown", "destination": destination, "next": _SHOWN}

    def result(self, destination: str, refused: RefuseTransfer | None) -> dict[str, Any]:
        """Return the model's result for the transfer that it asked for.

        Raises:
            ToolFailure: the transfer was refused.
        """
        if refused is None:
            return {"status": "connecting", "destination": destination, "next": _CONNECTING}
        busy = refused.kind == "transfer_under_way"
        raise ToolFailure(
            refused.kind, f"Say that you are connecting the caller to {refused.destination}." if busy else _ENOUGH
        )

    def prepare(self, destination: str, summary: str, *, by: str) -> None:
        """Keep the summary for the person."""
        self._summary = summary
        self._calling = None
        self._log.info("transfer_asked", destination=destination, by=by)

    def call(self, destination: str) -> None:
        """Call the person, and report the outcome."""
        self._calling = asyncio.create_task(self._call(destination), name="transfer")

    async def done(self) -> bool:
        """Wait for a transfer in progress; return True if the person has taken over."""
        return self._calling is not None and await asyncio.shield(self._calling)

    def cancel(self) -> None:
        """Cancel a transfer in progress."""
        if self._calling is not None:
            self._calling.cancel()

    async def _call(self, destination: str) -> bool:
        assert self._people is not None  # noqa: S101 - nothing begins without people
        try:
            await self._people.bring(destination, self._summary)
        except UpstreamError as error:
            self._log.warning("transfer_failed", destination=destination, error=error.reason, **causes.fields(error))
            self._report(TransferFailed())
            return False
        except Exception as error:  # noqa: BLE001 - a defect of ours must not leave the caller waiting for a person
            self._log.error("transfer_failed", destination=destination, error=type(error).__name__)
            self._report(TransferFailed())
            return False
        self._log.info("transfer_started", destination=destination)
        self._report(TransferSucceeded())
        return True
