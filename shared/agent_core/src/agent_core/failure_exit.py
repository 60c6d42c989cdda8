"""End a conversation whose model is lost for good: apologize, unless a person is being called for the caller."""

import asyncio
from collections.abc import Callable

from agent_core.errors import ModelError, ModelRejected
from agent_core.events import EndReason
from agent_core.transfer_controller import TransferController

SORRY_SECONDS = 10.0
"""Longest time until the caller has heard the apology, after what they were hearing."""
_SORRY_MARGIN = 0.2
LAST_CALL_SECONDS = 5.0
"""Longest time for the call to a person; Twilio answers within three seconds or not at all."""


class FailureExit:
    """Apologizes and ends; a transfer to a person takes precedence.

    Args:
        handover: Knows whether a person is being called.
        say: Plays the apology; returns the seconds until it has been heard.
        end: Ends the conversation.
    """

    def __init__(
        self, handover: TransferController, say: Callable[[], float], end: Callable[[EndReason], None]
    ) -> None:
        self.reason: EndReason | None = None
        """Why the conversation is about to end; None while there is a model."""
        self._transfers = handover
        self._say = say
        self._end = end

    def begin(self, error: ModelError) -> None:
        """Start to end the conversation: the model is lost."""
        rejected = isinstance(error, ModelRejected)
        self.reason = EndReason.MODEL_REJECTED if rejected else EndReason.MODEL_UNAVAILABLE
        # The model can no longer announce the person, so the call is made without an announcement.
        if self._transfers.under_way:
            self._transfers.call_at_once()
            self._end_in(LAST_CALL_SECONDS)
        else:
            seconds = min(SORRY_SECONDS, self._say() + _SORRY_MARGIN)
            asyncio.get_running_loop().call_later(seconds, self._end_if_alone)

    def _end_if_alone(self) -> None:
        # Key 0 may have been pressed during the apology: the call to a person then gets its own time.
        self._end_in(LAST_CALL_SECONDS if self._transfers.under_way else 0.0)

    def _end_in(self, seconds: float) -> None:
        if self.reason is not None:
            asyncio.get_running_loop().call_later(seconds, self._end, self.reason)
