"""Play hold announcements to a caller who waits: never dead air, and never over speech.

The announcements are recordings, so that they do not depend on the model that is being waited for.
"""

import asyncio
from collections.abc import Callable

from agent_core.announcements import Announcement

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
_LOOK_SECONDS = 0.2


class HoldAnnouncer:
    """Tracks what one caller waits for.

    Args:
        say: Plays an announcement after what is playing.
        is_quiet: Returns whether neither side is speaking.
        nudge: Prompts the model to cover a tool's run time in its own voice, where supported.
    """

    def __init__(
        self,
        say: Callable[[Announcement], None],
        is_quiet: Callable[[], bool],
        nudge: Callable[[], object] = lambda: None,
    ) -> None:
        self._say = say
        self.is_quiet = is_quiet
        self._nudge = nudge
        self._nudged = False
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._since: float | None = None
        """Since when the caller has waited: the end of their turn, or our question."""
        self._announced = False
        """Whether they have heard an announcement since the last completed reply."""
        self._stopped = False

    def wait_for_start(self) -> None:
        """Expect the model to start speaking on its own."""
        self._wait(START_SECONDS)

    def wait_for_turn(self) -> None:
        """Expect a reply to what the caller said."""
        self._since = None
        self._wait(TURN_SECONDS)

    def work_began(self, filler: Announcement | None) -> None:
        """Expect a tool to take a moment; ``filler`` announces a look-up, unless an announcement was already played."""
        if filler is None or self._announced:
            self._wait(TURN_SECONDS)
        else:
            self._nudged = False
            self._wait(NUDGE_SECONDS, filler)

    def work_ended(self) -> None:
        """Expect the reply that a tool was called for; the caller has waited since their own words."""
        if self._announced:
            self._wait(AGAIN_SECONDS)
            return
        # The tool's run time counts as waiting: the caller does not know about the tool.
        loop = asyncio.get_running_loop()
        waited = 0.0 if self._since is None else loop.time() - self._since
        self._set(max(TURN_SECONDS - waited, 0.0), self._hold)

    def answered(self) -> None:
        """Expect nothing more: the model speaks."""
        self._since = None
        self._nudged = False
        self._cancel()

    def answer_ended(self) -> None:
        """Record a completed reply: the next wait is a new one."""
        self._announced = False

    def lost(self, *, waiting: bool, cut_off: bool, silently: bool) -> None:
        """Record that the stream is lost.

        Args:
            waiting: Whether the caller waits for a reply.
            cut_off: Whether the caller was hearing a reply, which cannot continue.
            silently: Whether no announcement is needed if the interruption is short.
        """
        if cut_off and not silently and not self._announced and not self._stopped:
            # It plays after the audio that was already delivered, and bridges the cut-off reply and its repetition.
            self._tell(Announcement.HOLD)
        elif waiting or cut_off:
            self._wait(AGAIN_SECONDS if self._announced else LOST_SECONDS)

    def stop(self) -> None:
        """Play nothing more, whatever happens."""
        self._stopped = True
        self._cancel()

    def resume(self) -> None:
        """Allow announcements again, after ``stop``."""
        self._stopped = False

    @property
    def _hold(self) -> Announcement:
        return Announcement.HOLD_ON if self._announced else Announcement.HOLD

    def _wait(self, seconds: float, phrase: Announcement | None = None) -> None:
        """Play an announcement in so many seconds, or sooner if one was due sooner."""
        now = asyncio.get_running_loop().time()
        if self._since is None:
            self._since = now
        if self._timer is None or self._due > now + seconds:
            self._set(seconds, phrase or self._hold)

    def _set(self, seconds: float, phrase: Announcement) -> None:
        self._cancel()
        if not self._stopped:
            loop = asyncio.get_running_loop()
            self._due = loop.time() + seconds
            self._timer = loop.call_at(self._due, self._tell_when_quiet, phrase)

    def _tell_when_quiet(self, phrase: Announcement) -> None:
        # An announcement must not talk over anyone, so it waits for the next silence.
        if not self.is_quiet():
            self._set(_LOOK_SECONDS, phrase)
        elif phrase is Announcement.LOOK_UP and not self._nudged:
            self._nudged = True
            self._nudge()
            self._set(TOOL_SECONDS - NUDGE_SECONDS, phrase)
        else:
            self._tell(phrase)

    def _tell(self, phrase: Announcement) -> None:
        self._announced = True
        self._say(phrase)
        self._set(AGAIN_SECONDS, Announcement.HOLD_ON)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
