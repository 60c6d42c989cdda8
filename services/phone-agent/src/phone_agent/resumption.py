"""How a call whose conversation was lost comes back to the agent.

Twilio holds the verbs that lead here (``twiml.WayBack``): it asks any healthy task, which gives the call a new stream
and the conversation so far, or says sorry where that would not help.
"""

from enum import Enum, auto
from typing import Final

from agent_core import prompts
from agent_core.events import EndReason
from agent_core.memory import CallMemory
from agent_core.nova.transcript import History
from agent_core.nova.wire import Role

MAX_BEGUN: Final = 4
"""Conversations in one call. A call that was lost three times has a fault that a fourth try does not cure."""
MAX_PARTS: Final = 10
"""Streams that Twilio is told to open for one call. Until the load balancer has noticed that a task died, which takes
it a quarter of a minute where nobody tells it, many may fail."""
WORTHWHILE_SECONDS: Final = 15.0
"""A call that may last no longer than this hears a goodbye at once: a new stream would say sorry and little else."""
_MAX_PAUSE: Final = 3
_QUOTED: Final = 300
"""Characters of the caller's last words that are repeated to the model."""
OVER: Final = frozenset({EndReason.CALLER_LEFT, EndReason.AGENT_ENDED, EndReason.CALLER_SILENT, EndReason.TIME_LIMIT})
"""Ends after which a call does not come back. One that was put through to a person may."""
_MODEL_IS_DOWN: Final = frozenset({EndReason.MODEL_UNAVAILABLE, EndReason.MODEL_REJECTED})


class Way(Enum):
    """What becomes of a call that comes back."""

    GO_ON = auto()
    """It gets a new stream."""
    HANG_UP = auto()
    """Its conversation was over; only Twilio could not be told."""
    FALL_BACK = auto()
    """The agent cannot help it now."""
    SAY_GOODBYE = auto()
    """It has lasted as long as a call may last."""


def way(call: CallMemory | None, part: int, seconds_left: float) -> Way:
    """Decide.

    Args:
        call: What is known of it; None when the store does not know, or cannot be asked.
        part: Which of its streams was lost or never came, from 0, as Twilio tells it.
        seconds_left: How long it may still last.
    """
    ended = _reason(call)
    if ended in OVER:
        return Way.HANG_UP
    if seconds_left < WORTHWHILE_SECONDS:
        return Way.SAY_GOODBYE
    begun = part + 1 if call is None else call.begun
    if part + 1 >= MAX_PARTS or begun >= MAX_BEGUN or ended in _MODEL_IS_DOWN:
        return Way.FALL_BACK
    return Way.GO_ON


def pause(call: CallMemory | None, part: int) -> int:
    """Say how many seconds to wait before the next stream: longer the more of them never came."""
    return 0 if call is None else min(max(part - call.part, 0), _MAX_PAUSE)


def history(call: CallMemory) -> History:
    """Give what was said, as the model's side knows it."""
    return tuple((Role(speaker), words) for speaker, words in call.history)


def for_model(said: History) -> History:
    """Leave out the caller's last words where they have no answer: `first_words` tells the model of them."""
    return said[:-1] if said and said[-1][0] is Role.USER else said


def first_words(call: CallMemory) -> str:
    """Tell the model how to take the call up."""
    if call.note is not None:
        return call.note
    asked = next((words for speaker, words in reversed(call.history) if speaker == Role.USER), None)
    if asked is None:
        return prompts.load("sorry_for_the_wait")
    return prompts.load(
        "taken_up",
        words=asked[:_QUOTED],
    )


def _reason(call: CallMemory | None) -> EndReason | None:
    if call is None or call.ended is None:
        return None
    try:
        return EndReason(call.ended)
    except ValueError:  # another version of this program knows more reasons
        return None
