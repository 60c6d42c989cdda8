"""A simulated phone that waits for a call to its number, instead of dialling."""

import asyncio
import json
from collections.abc import Callable

from standins.twilio.call_audio import Hear
from standins.twilio.called_person import ANSWERED, Talking
from standins.twilio.timeline import Event


class WaitingPhone[C: Talking]:
    """One phone; it rings once.

    Args:
        hear: Receives the call's audio.
        tell: Receives the call's events.
    """

    def __init__(self, hear: Hear, tell: Callable[[Event], None]) -> None:
        self.hear = hear
        self._tell = tell
        self._decided: asyncio.Queue[str] = asyncio.Queue()
        self.call: C | None = None
        """The call, once it rings."""

    def attach(self, call: C) -> None:
        """Follow the call that is for this phone."""
        self.call = call
        call.timeline.subscribe(self._tell)

    async def ring(self) -> str:
        """Ring until the phone answers or rejects."""
        return await self._decided.get()

    async def talk(self, call: Talking) -> None:
        """Do nothing: this phone's own messages press keys and hang up."""

    def decides(self, text: str) -> bool:
        """Return whether a message of the phone answers or rejects the call, and do so."""
        try:
            order = json.loads(text)
        except ValueError:
            return False
        match order:
            case {"answer": bool(answers)}:
                self._decided.put_nowait(ANSWERED if answers else "busy")
                return True
            case _:
                return False

    def hang_up(self) -> None:
        """Hang up; a phone that leaves while it rings leaves the call unanswered."""
        if self.call is not None:
            self._decided.put_nowait("no-answer")
            self.call.hang_up()
