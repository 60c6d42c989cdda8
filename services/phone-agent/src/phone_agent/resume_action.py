"""How a call whose conversation was lost comes back to the agent.

Twilio holds the verbs that lead here (``twiml.WayBack``): it asks any healthy task, which gives the call a new stream
and the conversation so far, or says sorry where that would not help.
"""

from enum import Enum, auto
from typing import Final

from agent_core.call_state import CallState
from agent_core.events import EndReason
from agent_core.resumption import OVER, reason_of

MAX_BEGUN: Final = 4
"""Conversations in one call. A call that was lost three times has a fault that a fourth try does not cure."""
MAX_PARTS: Final = 10
"""Streams that Twilio is told to open for one call. Until the load balancer has noticed that a task died, which takes
it a quarter of a minute where nobody tells it, many may fail."""
WORTHWHILE_SECONDS: Final = 15.0
"""A call that may last no longer than this hears a goodbye at once: a new stream would say sorry and little else."""
_MAX_PAUSE: Final = 3
_MODEL_IS_DOWN: Final = frozenset({EndReason.MODEL_UNAVAILABLE, EndReason.MODEL_REJECTED})


class ResumeAction(Enum):
    """What becomes of a call that comes back."""

    GO_ON = auto()
    """It gets a new stream."""
    HANG_UP = auto()
    """Its conversation was over; only Twilio could not be told."""
    FALL_BACK = auto()
    """The agent cannot help it now."""
    SAY_GOODBYE = auto()
    """It has lasted as long as a call may last."""


def way(call: CallState | None, part: int, seconds_left: float) -> ResumeAction:
    """Decide.

    Args:
        call: What is known of it; None when the store does not know, or cannot be asked.
        part: Which of its streams was lost or never came, from 0, as Twilio tells it.
        seconds_left: How long it may still last.
    """
    ended = reason_of(call)
    if ended in OVER:
        return ResumeAction.HANG_UP
    if seconds_left < WORTHWHILE_SECONDS:
        return ResumeAction.SAY_GOODBYE
    begun = part + 1 if call is None else call.begun
    if part + 1 >= MAX_PARTS or begun >= MAX_BEGUN or ended in _MODEL_IS_DOWN:
        return ResumeAction.FALL_BACK
    return ResumeAction.GO_ON


def pause(call: CallState | None, part: int) -> int:
    """Say how many seconds to wait before the next stream: longer the more of them never came."""
    return 0 if call is None else min(max(part - call.part, 0), _MAX_PAUSE)
