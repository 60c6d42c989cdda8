"""Build the message to a page when the agent's side ends a session."""

from typing import Any
from uuid import uuid4

from agent_core.events import EndReason
from agent_core.sentence import Sentence
from agent_core.sentences import Sentences

_SENTENCES = {
    EndReason.AGENT_ENDED: Sentence.ENDED_AGENT,
    EndReason.NEVER_CONNECTED: Sentence.ENDED_BUSY,
    EndReason.IDLE_TIMEOUT: Sentence.ENDED_IDLE,
    EndReason.MAX_DURATION: Sentence.ENDED_TIME,
    EndReason.DRAINED: Sentence.ENDED_DRAINED,
    EndReason.MODEL_UNAVAILABLE: Sentence.ENDED_MODEL,
    EndReason.MODEL_REJECTED: Sentence.ENDED_REJECTED,
}
_VISITORS_OWN = frozenset({EndReason.CALLER_HUNG_UP, EndReason.MEDIA_DISCONNECTED})


def farewell(reason: EndReason, sentences: Sentences, *, goes_on: bool = False) -> dict[str, Any] | None:
    """Return the RTVI message; None if the visitor is gone.

    Args:
        reason: Why the session ends.
        sentences: In the visitor's language.
        goes_on: Whether the page can continue the conversation elsewhere, and is asked to.
    """
    if reason in _VISITORS_OWN:
        return None
    message = sentences[_SENTENCES.get(reason, Sentence.ENDED_ERROR)]
    data = {"type": "session-ended", "reason": reason.value, "message": message}
    if goes_on:
        data = {"type": "session-paused", "reason": reason.value}
    return {"id": uuid4().hex, "label": "rtvi-ai", "type": "server-message", "data": data}
