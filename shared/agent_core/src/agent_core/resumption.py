"""How a conversation that was lost is taken up again, on any channel. No I/O."""

from typing import Final

from agent_core import prompts
from agent_core.call_state import CallState
from agent_core.events import EndReason
from agent_core.nova.transcript import History
from agent_core.nova.wire import Role

OVER: Final = frozenset(
    {EndReason.CALLER_HUNG_UP, EndReason.AGENT_ENDED, EndReason.IDLE_TIMEOUT, EndReason.MAX_DURATION}
)
"""Ends after which a conversation does not come back. One that was put through to a person may."""
_QUOTED: Final = 300
"""Characters of the caller's last words that are repeated to the model."""


def history(call: CallState) -> History:
    """Return what was said, as the model's side knows it."""
    return tuple((Role(speaker), words) for speaker, words in call.history)


def for_model(said: History) -> History:
    """Leave out the caller's last words where they have no answer: `first_words` tells the model of them."""
    return said[:-1] if said and said[-1][0] is Role.USER else said


def first_words(call: CallState) -> str:
    """Return what tells the model how to take the conversation up."""
    if call.note is not None:
        return call.note
    asked = next((words for speaker, words in reversed(call.history) if speaker == Role.USER), None)
    if asked is None:
        return prompts.load("sorry_for_the_wait")
    return prompts.load("taken_up", words=asked[:_QUOTED])


def reason_of(call: CallState | None) -> EndReason | None:
    """Return why the conversation ended, if it has and this version of the program knows that reason."""
    if call is None or call.ended is None:
        return None
    try:
        return EndReason(call.ended)
    except ValueError:  # another version of this program knows more reasons
        return None
