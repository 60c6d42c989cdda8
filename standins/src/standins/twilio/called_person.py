"""The person whose phone rings when the REST API places a call: acted out by a script, or a waiting handset."""

import asyncio
from typing import Any, Final, Protocol

from standins.twilio.settings import DialScript
from standins.twilio.timeline import Timeline

ANSWERED: Final = "completed"
"""The result of ringing if the person answers; any other is a final status of the call."""


class Talking(Protocol):
    """What a person sees of a call, and does with it."""

    @property
    def timeline(self) -> Timeline: ...  # noqa: D102

    def press(self, digits: str) -> None:
        """Press keys."""

    def hang_up(self) -> None:
        """Hang up."""


class CalledPerson(Protocol):
    """A person who is called."""

    def attach(self, call: Any) -> None:  # noqa: ANN401 - a DialledCall, whose module imports this one
        """Follow the call that is for this person."""

    def hear(self, number: int, frame: bytes) -> None:
        """Receive 20 ms, with their number on the call's clock."""

    async def ring(self) -> str:
        """Let the phone ring until the person reacts; return `ANSWERED`, or the call's final status."""

    async def talk(self, call: Talking) -> None:
        """Do what this person does after answering; cancelled when the call ends."""


class ActedPerson:
    """A person without a phone: answers, presses keys and hangs up as the script says."""

    def __init__(self, script: DialScript) -> None:
        self._script = script

    def attach(self, call: Any) -> None:  # noqa: ANN401 - a DialledCall, whose module imports this one
        """Follow nothing."""

    def hear(self, number: int, frame: bytes) -> None:
        """Ignore the audio."""

    async def ring(self) -> str:
        """Wait, then react; a person who does not answer never reacts."""
        if self._script.result == "no-answer":
            await asyncio.Event().wait()  # the caller sets the deadline
        await asyncio.sleep(self._script.ring_seconds)
        return self._script.result

    async def talk(self, call: Talking) -> None:
        """Press the keys, or hang up."""
        if self._script.hangs_up_seconds is not None:
            await asyncio.sleep(self._script.hangs_up_seconds)
            call.hang_up()
            return
        await asyncio.sleep(self._script.press_seconds)
        for key in self._script.presses:
            call.press(key)
            await asyncio.sleep(self._script.key_seconds)
