"""Decide how to resume a call whose conversation was lost.

Twilio holds the verbs that lead here (``twiml.WayBack``): it sends a request to any healthy task, which gives the call
a new stream with the conversation so far, or apologizes if that would not help.
"""

from enum import Enum, auto
from typing import Final

from agent_core.call_state import CallState
from agent_core.events import EndReason
from agent_core.resumption import OVER, reason_of

MAX_BEGUN: Final = 4
"""Most conversations in one call. A call that was lost three times has a fault that a fourth attempt does not fix."""
MAX_PARTS: Final = 10
"""Most streams that Twilio is instructed to open for one call. Many may fail until the load balancer notices a dead
task, which takes it a quarter of a minute.
"""
WORTHWHILE_SECONDS: Final = 15.0
"""A call with no more time than this hears a goodbye at once: a new stream would have time for little but an apology.
"""
_MAX_PAUSE: Final = 3
_MODEL_IS_DOWN: Final = frozenset({EndReason.MODEL_UNAVAILABLE, EndReason.MODEL_REJECTED})


class ResumeAction(Enum):
    """How to continue a call that returns."""

    GO_ON = auto()
    """It gets a new stream."""
    HANG_UP = auto()
    """Its conversation was over; only the hang-up did not reach Twilio."""
    FALL_BACK = auto()
    """The agent cannot help it now."""
    SAY_GOODBYE = auto()
    """It has reached its longest duration."""


def way(call: CallState | None, part: int, seconds_left: float) -> ResumeAction:
    """Decide how to continue a call.

    Args:
        call: Its stored state; None if the store does not know it, or is unavailable.
        part: Which of its streams was lost or never opened, from 0, as Twilio reports it.
        seconds_left: How long it may still last.
    """
    ended = reason_of(call)
    # A finished conversation comes first: it must not be continued, whatever else is true.
    if ended in OVER:
        return ResumeAction.HANG_UP
    if seconds_left < WORTHWHILE_SECONDS:
        return ResumeAction.SAY_GOODBYE
    # Without a stored state, the number of streams is the only count there is.
    begun = part + 1 if call is None else call.begun
    if part + 1 >= MAX_PARTS or begun >= MAX_BEGUN or ended in _MODEL_IS_DOWN:
        return ResumeAction.FALL_BACK
    return ResumeAction.GO_ON


def pause(call: CallState | None, part: int) -> int:
    """Return the seconds to wait before the next stream: more, the more of them never opened."""
    return 0 if call is None else min(max(part - call.part, 0), _MAX_PAUSE)
