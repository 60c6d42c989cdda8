"""Follow whether the caller has heard that an AI speaks, and on whose behalf. No I/O, no clock, no tasks.

What counts is what the model said, in its own words, and how much of it was played before the caller spoke: what is
planned may never be spoken, and what was delivered may be cut off.
"""

from collections.abc import Callable
from typing import Final

from agent_core.conversation.signals import AnswerHeard, Input
from agent_core.disclosure import Wording
from agent_core.events import Disclosure
from agent_core.nova.facts import Interrupted, ReplyAudio, ReplyStarted, SentenceEnded, TextPlanned, TurnStarted
from agent_core.nova.transcript import History
from agent_core.nova.wire import Role

PROTECTED_SECONDS: Final = 1.0
"""A barge-in so soon after the sentence has begun is a "hello?" into the silence before it, or an echo: the sentence is
played to its end."""
MAX_REPEATS: Final = 2
"""How often the model is asked for the sentence again. More would only annoy a caller whom the model will not tell."""


class DisclosureWatch:
    """Follows one conversation.

    Args:
        wording: What must be heard.
        history: What was said before: a conversation that continues has perhaps disclosed it already.
        cuts: Whether a barge-in cuts off audio at once, whenever it comes; otherwise not in the first second.
    """

    def __init__(self, wording: Wording, history: History = (), *, cuts: bool = False) -> None:
        self._wording = wording
        self._cuts = cuts
        # The history has only words that were spoken.
        heard = any(role is Role.ASSISTANT and wording.is_in(words) for role, words in history)
        self._heard_at = float("-inf") if heard else None
        """When the sentence will have been heard, if nothing cuts it off."""
        self._planned = ""
        self._is_planned = False
        self._began_at: float | None = None
        self._was_cut = False
        self._repeats = 0

    def outcome(self, now: float) -> Disclosure:
        """Return what the caller has heard, if the conversation ends now."""
        if self._heard_at is not None and now >= self._heard_at:
            return Disclosure.HEARD
        return Disclosure.CUT if self._was_cut or self._is_begun else Disclosure.NOT_HEARD

    def protects(self, now: float) -> bool:
        """Return whether a barge-in must not stop the audio now."""
        return (
            not self._cuts
            and self._is_begun
            and self._began_at is not None
            and now - self._began_at < PROTECTED_SECONDS
            and self.outcome(now) is not Disclosure.HEARD
        )

    def repeat(self, now: float) -> bool:
        """Return whether the model should be asked for the sentence now, after a reply that was heard to its end."""
        if self.outcome(now) is Disclosure.HEARD or self._repeats >= MAX_REPEATS:
            return False
        self._repeats += 1
        return True

    def take(self, one: Input, now: float, audible: Callable[[], float]) -> None:
        """Record what has happened.

        Args:
            one: What.
            now: The time, in seconds of one clock.
            audible: Returns the seconds until everything that was sent has been heard.
        """
        if self._heard_at is not None and now >= self._heard_at:
            return
        match one:
            case ReplyStarted():
                self._start_again()
            case TextPlanned(words):
                self._planned = f"{self._planned} {words}"
                # Here and not where it is needed: audio arrives fifty times a second, and comparing names takes time.
                self._is_planned = self._wording.is_in(self._planned)
            case ReplyAudio(first=True):
                self._began_at = now + audible()
            case SentenceEnded() if self._is_begun and self._heard_at is None:
                self._heard_at = now + audible()
            case AnswerHeard() if self._heard_at is not None:
                # The echo of what was played is more accurate than the computed end.
                self._heard_at = min(self._heard_at, now)
            case Interrupted() | TurnStarted():
                self._cut(now)

    @property
    def _is_begun(self) -> bool:
        """Whether the sentence is in the reply that is being delivered."""
        return self._began_at is not None and self._is_planned

    def _start_again(self) -> None:
        self._planned, self._is_planned, self._began_at = "", False, None

    def _cut(self, now: float) -> None:
        if not self._is_begun:
            return
        # Delivered in full and protected: it is played to its end.
        if self._heard_at is not None and self.protects(now):
            return
        self._was_cut, self._heard_at = True, None
        self._start_again()
