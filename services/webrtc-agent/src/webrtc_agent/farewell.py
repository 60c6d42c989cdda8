"""What a page is told when the agent's side ends a session."""

from typing import Any
from uuid import uuid4

from agent_core.events import EndReason

_SENTENCES = {
    EndReason.AGENT_ENDED: "The conversation is over. Thank you for talking with us.",
    EndReason.NEVER_CONNECTED: "All our lines are busy. Please try again in a moment.",
    EndReason.CALLER_SILENT: "We have not heard from you for a while. You can start a new conversation.",
    EndReason.TIME_LIMIT: "The conversation has reached its longest allowed time. You can start a new one.",
    EndReason.DRAINED: "The server had to leave for maintenance. You can start a new conversation.",
    EndReason.MODEL_UNAVAILABLE: "The agent's voice service cannot be reached right now. Please try again in a minute.",
    EndReason.MODEL_REJECTED: "The agent's voice service refuses this server. Please tell its operator.",
}
_OTHER = "The conversation ended because of an error on our side. Please try again."
_VISITORS_OWN = frozenset({EndReason.CALLER_LEFT, EndReason.PEER_LOST})


def farewell(reason: EndReason) -> dict[str, Any] | None:
    """Make the message, in RTVI; None where the visitor is gone."""
    if reason in _VISITORS_OWN:
        return None
    data = {"type": "session-ended", "reason": reason.value, "message": _SENTENCES.get(reason, _OTHER)}
    return {"id": uuid4().hex, "label": "rtvi-ai", "type": "server-message", "data": data}
