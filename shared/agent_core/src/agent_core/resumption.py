"""Resume a conversation whose connection was lost, on any channel. No I/O."""

from typing import Final

from agent_core import prompts
from agent_core.call_state import CallState
from agent_core.events import EndReason
from agent_core.nova.transcript import History
from agent_core.nova.wire import Role

OVER: Final = frozenset(
    {EndReason.CALLER_HUNG_UP, EndReason.AGENT_ENDED, EndReason.IDLE_TIMEOUT, EndReason.MAX_DURATION}
)
"""End reasons after which a conversation cannot be resumed. One that was transferred to a person can."""
_QUOTED: Final = 300
"""Most characters of the caller's last words that are repeated to the model."""


def history(call: CallState) -> History:
    """Return what was said, in the model's form."""
    return tuple((Role(speaker), words) for speaker, words in call.history)


def for_model(said: History) -> History:
    """Drop the caller's last words if they have no reply: `first_words` sends them to the model."""
    return said[:-1] if said and said[-1][0] is Role.USER else said


def first_words(call: CallState, disclosure: str) -> str:
    """Return the instruction that makes the model resume the conversation.

    Args:
        call: The conversation so far.
        disclosure: The sentence that says that an AI speaks, for a caller who has not heard anything yet.
    """
    # What happened to the caller meanwhile, such as a person who did not answer, matters more than the last question.
    if call.note is not None:
        return call.note
    asked = next((words for speaker, words in reversed(call.history) if speaker == Role.USER), None)
    if asked is None:
        return prompts.load("sorry_for_the_wait", disclosure=disclosure)
    return prompts.load("taken_up", words=asked[:_QUOTED])


def reason_of(call: CallState | None) -> EndReason | None:
    """Return why the conversation ended, if it has and this version knows the reason."""
    if call is None or call.ended is None:
        return None
    try:
        return EndReason(call.ended)
    except ValueError:  # another version knows more reasons
        return None
