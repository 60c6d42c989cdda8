"""What a conversation waits for: last words, a reply, a sign of the caller, the next key. No I/O, no clock, no tasks.

Each class knows when something is due (``due``) and what is due then (``expire``). Times are seconds of one clock,
which the user of these classes reads.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from agent_core.announcements import Announcement
from agent_core.conversation.signals import AnswerHeard, Input, Nudge, Play
from agent_core.disclosure import Wording
from agent_core.events import GOODBYE_SECONDS, Disclosure, EndReason
from agent_core.nova.facts import Interrupted, ReplyAudio, ReplyStarted, SentenceEnded, TextPlanned, TurnStarted
from agent_core.nova.wire import Role

PROTECTED_SECONDS: Final = 1.0
"""A barge-in so soon after the sentence has begun is a "hello?" into the silence before it, or an echo: the sentence is
played to its end."""
MAX_REPEATS: Final = 2
"""How often the model is asked for the sentence again. A model that does not comply then only annoys the caller."""
_WORDS_SECONDS = 3.0
"""Longest time for the model to start its goodbye."""
_PAUSE_SECONDS = 0.7
"""Pause after the last words. Some models continue after a moment, and a call that ends on a word sounds broken."""

START_SECONDS = 4.0
"""Silence at the start, or after a key press, that callers take for a dead call."""
TURN_SECONDS = 8.0
"""Silence after the caller's words, whatever is happening meanwhile. A reply takes one to three seconds, five with a
look-up.
"""
LOST_SECONDS = 1.0
"""Silence after a stream broke while the caller waits. Most are replaced sooner, without an announcement."""
TOOL_SECONDS = 1.4
"""Silence after a tool call before a recording says that it takes a moment: most return sooner."""
NUDGE_SECONDS = 0.6
"""Silence before the model is prompted to say so itself, which takes it about 0.75 s (measured on Nova 2.5)."""
AGAIN_SECONDS = 8.0
"""Silence after which a waiting caller hears that the agent is still there."""
_NOISE_SECONDS = 0.2
"""An announcement must not talk over anyone: how soon silence is looked for again."""
_IDLE_LOOK_SECONDS = 0.5

KEY_PAUSE_SECONDS: Final = 2.0
"""Pause that completes an input. Most people need less than a second between two keys; reading a number off a letter
takes longer.
"""
MAX_KEYS: Final = 64
"""Longest input. Further keys start another one: a stuck key must not be collected without bound."""
_END: Final = "#"
_PERSON: Final = "0"


class LastWords:
    """Waits until the caller has heard the agent's last words."""

    def __init__(self) -> None:
        self._started = 0
        """Replies that the agent has started."""
        self._heard = 0
        """Replies that the caller has heard to their end."""
        self._reason: EndReason | None = None
        self._awaited = 0
        self._no_more_at: float | None = None
        self._pause_at: float | None = None
        self._end_at: float | None = None

    @property
    def under_way(self) -> bool:
        """Whether the last words are awaited."""
        return self._reason is not None

    @property
    def due(self) -> float | None:
        """When to call ``expire``."""
        return _earliest(self._no_more_at, self._pause_at, self._end_at)

    def begin(self, reason: EndReason, now: float, *, still_speaking: bool = True) -> None:
        """Wait for them; only the first call counts.

        Args:
            reason: Returned by ``expire``.
            now: The time.
            still_speaking: Whether words that are currently playing may be the last words.
        """
        if self._reason is not None:
            return
        self._reason = reason
        if not still_speaking:
            self._heard = self._started  # they were cut off, or are about something else
        # Words that are still playing are the last ones; otherwise they follow as another reply.
        self._awaited = self._started + (self._heard >= self._started)
        self._no_more_at = now + _WORDS_SECONDS
        self._end_at = now + GOODBYE_SECONDS

    def reply_started(self) -> None:
        """Record that the agent has begun to speak."""
        self._started += 1

    def answer_heard(self, now: float) -> None:
        """Record that the caller has heard the agent's words to their end."""
        self._heard = self._started
        if self._end_at is not None:
            self._pause_at = now + _PAUSE_SECONDS

    def expire(self, now: float) -> EndReason | None:
        """Return the reason if the wait is over, once."""
        if self._no_more_at is not None and now >= self._no_more_at:
            # The model has not started to speak in time, so the replies so far are all there will be.
            self._no_more_at = None
            self._awaited = min(self._awaited, self._started)
            return self._end_if_heard()
        if self._pause_at is not None and now >= self._pause_at:
            self._pause_at = None
            return self._end_if_heard()
        if self._end_at is not None and now >= self._end_at:
            return self.stop()
        return None

    def _end_if_heard(self) -> EndReason | None:
        return self.stop() if self._heard >= max(self._awaited, self._started) else None

    def stop(self) -> EndReason | None:
        """Stop waiting; return the reason."""
        self._no_more_at = self._pause_at = self._end_at = None
        return self._reason

    def withdraw(self) -> None:
        """Continue as if no last words had been awaited."""
        self.stop()
        self._reason = None


class Hold:
    """When a waiting caller hears a hold announcement: never dead air, and never over speech.

    The announcements are recordings, so that they do not depend on the model that is being waited for.
    """

    def __init__(self) -> None:
        self.due: float | None = None
        """When to call ``expire``."""
        self._next = Announcement.HOLD
        self._nudged = False
        self._since: float | None = None
        """Since when the caller has waited: the end of their turn, or our question."""
        self._informed = False
        """Whether they have heard an announcement since the last completed reply."""
        self._stopped = False

    def wait_for_start(self, now: float) -> None:
        """Expect the model to start speaking on its own."""
        self._wait(START_SECONDS, now)

    def wait_for_turn(self, now: float) -> None:
        """Expect a reply to what the caller said."""
        self._since = None
        self._wait(TURN_SECONDS, now)

    def work_began(self, filler: Announcement | None, now: float) -> None:
        """Expect a tool to take a moment; ``filler`` announces a look-up, unless an announcement was already played."""
        if filler is None or self._informed:
            self._wait(TURN_SECONDS, now)
        else:
            self._nudged = False
            self._wait(NUDGE_SECONDS, now, filler)

    def work_ended(self, now: float) -> None:
        """Expect the reply that a tool was called for; the caller has waited since their own words."""
        if self._informed:
            self._wait(AGAIN_SECONDS, now)
            return
        # The tool's run time counts as waiting: the caller does not know about the tool.
        waited = 0.0 if self._since is None else now - self._since
        self._set(now + max(TURN_SECONDS - waited, 0.0), self._usual)

    def answered(self) -> None:
        """Expect nothing more: the model speaks."""
        self._since = self.due = None
        self._nudged = False

    def answer_ended(self) -> None:
        """Record a completed reply: the next wait is a new one."""
        self._informed = False

    def lost(self, now: float, *, waiting: bool, cut_off: bool, silently: bool) -> Play | None:
        """Record that the stream is lost; return what is announced at once. See `StreamLost` for the arguments."""
        if cut_off and not silently and not self._informed and not self._stopped:
            # It plays after the audio that was already delivered, and bridges the cut-off reply and its repetition.
            return self._announce(Announcement.HOLD, now)
        if waiting or cut_off:
            self._wait(AGAIN_SECONDS if self._informed else LOST_SECONDS, now)
        return None

    def stop(self) -> None:
        """Announce nothing more, whatever happens."""
        self._stopped = True
        self.due = None

    def resume(self) -> None:
        """Allow announcements again, after ``stop``."""
        self._stopped = False

    def expire(self, now: float, *, quiet: bool) -> Play | Nudge | None:
        """Return what is announced; that a look-up takes a moment is first left to the model's own voice."""
        if self.due is None or now < self.due:
            return None
        if not quiet:
            self._set(now + _NOISE_SECONDS, self._next)
            return None
        if self._next is Announcement.LOOK_UP and not self._nudged:
            self._nudged = True
            self._set(now + TOOL_SECONDS - NUDGE_SECONDS, self._next)
            return Nudge()
        return self._announce(self._next, now)

    @property
    def _usual(self) -> Announcement:
        return Announcement.HOLD_ON if self._informed else Announcement.HOLD

    def _wait(self, seconds: float, now: float, announcement: Announcement | None = None) -> None:
        """Announce something in so many seconds, or sooner if an announcement was due sooner."""
        if self._since is None:
            self._since = now
        if self.due is None or self.due > now + seconds:
            self._set(now + seconds, announcement or self._usual)

    def _set(self, at: float, announcement: Announcement) -> None:
        self._next = announcement
        self.due = None if self._stopped else at

    def _announce(self, announcement: Announcement, now: float) -> Play:
        self._informed = True
        self._set(now + AGAIN_SECONDS, Announcement.HOLD_ON)
        return Play(announcement)


class IdleStep(Enum):
    """What a silent caller hears."""

    ASK = auto()
    """Whether they are still there."""
    GIVE_UP = auto()
    """Goodbye."""


class Idle:
    """When a silent caller is asked whether they are still there, and when the agent says goodbye.

    Args:
        after: Seconds of silence, each time; 0 disables it.
    """

    def __init__(self, after: float) -> None:
        self.due: float | None = None
        """When to call ``expire``: often, because silence counts from the last sound of either side."""
        self._after = after
        self._silent_since = 0.0
        self._asked = False

    def start(self, now: float) -> None:
        """Start to watch, or resume."""
        if self._after and self.due is None:
            self._silent_since = now
            self.due = now + _IDLE_LOOK_SECONDS

    def pause(self) -> None:
        """Pause until ``start``."""
        self.due = None

    def stop(self) -> None:
        """Stop for good."""
        self._after, self.due = 0, None

    def noticed(self, now: float) -> None:
        """Record that the caller is there, though silent: they pressed a key."""
        self._asked = False
        self._silent_since = now

    def spoke(self) -> None:
        """Record that the caller has spoken or written: the next silence gets a question of its own."""
        self._asked = False

    def expire(self, now: float, *, busy: bool) -> IdleStep | None:
        """Look; ``busy`` is True while one side speaks, is still heard, or waits for a reply."""
        if self.due is None or now < self.due:
            return None
        self.due = now + _IDLE_LOOK_SECONDS
        if busy:
            self._silent_since = now
        elif now - self._silent_since >= self._after:
            self._silent_since = now
            if self._asked:
                self.due = None
                return IdleStep.GIVE_UP
            self._asked = True
            return IdleStep.ASK
        return None


def _earliest(*times: float | None) -> float | None:
    return min((time for time in times if time is not None), default=None)


@dataclass(frozen=True, slots=True)
class Typed:
    """One input of keys.

    Attributes:
        keys: What was typed, without the ``#`` that ended it; ``#`` alone is an input of its own.
        alone: No other key was pressed within the pause before it.
    """

    keys: str
    alone: bool = True

    @property
    def wants_person(self) -> bool:
        """Whether this is key 0 and no other key; pressing it repeatedly out of impatience means the same."""
        return self.alone and set(self.keys) == {_PERSON}


class KeyCollector:
    """Collects the keys that a caller presses into inputs: a postcode is one input to the model, not five.

    Consecutive keys form one input, which a pause or ``#`` completes. Key 0 requests a person only if it is pressed
    alone: phone and account numbers begin with 0 too, so it also waits for the pause before it calls anyone.
    """

    def __init__(self) -> None:
        self._keys = ""
        self._alone = True
        self._last: float | None = None

    @property
    def due(self) -> float | None:
        """When the current input is complete, unless another key follows; None if there is none."""
        return None if not self._keys or self._last is None else self._last + KEY_PAUSE_SECONDS

    def press(self, key: str, now: float) -> list[Typed]:
        """Add a key; return the inputs that it completes."""
        complete = self.expire(now)
        if not self._keys:
            # Judged at the first key: a 0 that soon follows another input is part of a longer number.
            self._alone = self._last is None or now - self._last >= KEY_PAUSE_SECONDS
        self._last = now
        if key != _END or not self._keys:
            self._keys += key
        if key == _END or len(self._keys) >= MAX_KEYS:
            complete += self.finish()
        return complete

    def expire(self, now: float) -> list[Typed]:
        """Return the input whose pause is over, if there is one."""
        return self.finish() if self.due is not None and now >= self.due else []

    def finish(self) -> list[Typed]:
        """Return what has been typed so far, complete or not."""
        keys, self._keys = self._keys, ""
        return [Typed(keys, self._alone)] if keys else []


class DisclosureWatch:
    """Follows whether the caller has heard that an AI speaks, and on whose behalf.

    What counts is what the model said, in its own words, and how much of it was played before the caller spoke: what is
    planned may never be spoken, and what was delivered may be cut off.

    Args:
        wording: What must be heard.
        history: What was said before: a conversation that continues has perhaps disclosed it already.
        cuts: Whether a barge-in cuts off audio at once, whenever it comes; otherwise not in the first second.
    """

    def __init__(self, wording: Wording, history: Iterable[tuple[Role, str]] = (), *, cuts: bool = False) -> None:
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
