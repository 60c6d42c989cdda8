"""Build the message to a page when the agent's side ends a session."""

from typing import Any
from uuid import uuid4

from agent_core.events import EndReason

_SENTENCES = {
    EndReason.AGENT_ENDED: "The conversation is over. Thank you for talking with us.",
    EndReason.NEVER_CONNECTED: "All our lines are busy. Please try again in a moment.",
    EndReason.IDLE_TIMEOUT: "We have not heard from you for a while. You can start a new conversation.",
    EndReason.MAX_DURATION: "The conversation has reached its longest allowed time. You can start a new one.",
    EndReason.DRAINED: "The server had to leave for maintenance. You can start a new conversation.",
    EndReason.MODEL_UNAVAILABLE: "The agent's voice service cannot be reached right now. Please try again in a minute.",
    EndReason.MODEL_REJECTED: "The agent's voice service refuses this server. Please tell its operator.",
}
_OTHER = "The conversation ended because of an error on our side. Please try again."
_VISITORS_OWN = frozenset({EndReason.CALLER_HUNG_UP, EndReason.MEDIA_DISCONNECTED})


def farewell(reason: EndReason, *, goes_on: bool = False) -> dict[str, Any] | None:
    """Return the RTVI message; None if the visitor is gone.

    Args:
        reason: Why the session ends.
        goes_on: Whether the page can continue the conversation elsewhere, and is asked to.
    """
    if reason in _VISITORS_OWN:
        return None
    data = {"type": "session-ended", "reason": reason.value, "message": _SENTENCES.get(reason, _OTHER)}
    if goes_on:
        data = {"type": "session-paused", "reason": reason.value}
    return {"id": uuid4().hex, "label": "rtvi-ai", "type": "server-message", "data": data}
