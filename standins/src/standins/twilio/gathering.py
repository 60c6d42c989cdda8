"""Executes `<Gather>`: prompts, and the DTMF keys that a party presses meanwhile or shortly after."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from standins.twilio.timeline import Timeline
from standins.twilio.twiml_parser import Gather, Verb


class KeyedParty(Protocol):
    """A party with a keypad."""

    @property
    def ended(self) -> asyncio.Event:
        """Set when the party has hung up."""

    @property
    def keys(self) -> "asyncio.Queue[str]":
        """DTMF keys that the party presses."""


class Gathering:
    """One `<Gather>`.

    Args:
        party: Presses the keys.
        timeline: Records the outcome.
        perform: Plays one prompt in real time.
    """

    def __init__(self, party: KeyedParty, timeline: Timeline, perform: Callable[[Verb], Awaitable[None]]) -> None:
        self._party = party
        self._timeline = timeline
        self._perform = perform

    async def run(self, verb: Gather) -> str:
        """Collect keys; the first one stops the prompt. Empty without a key in time: the next verb follows."""
        # Keys pressed before the Gather are lost, as at Twilio.
        while not self._party.keys.empty():
            self._party.keys.get_nowait()
        key = await self._first_key(verb)
        keys = ""
        while key is not None and key != verb.finish_on_key:
            # Twilio adds each key before it checks the number of digits.
            keys += key
            if len(keys) == verb.num_digits:
                break
            key = await self._key(verb.timeout)
        self._timeline.record("gathered", keys=len(keys), digits=keys)
        return keys

    async def _first_key(self, verb: Gather) -> str | None:
        prompting = asyncio.create_task(self._prompt(verb))
        pressing = asyncio.create_task(self._party.keys.get())
        leaving = asyncio.create_task(self._party.ended.wait())
        try:
            await asyncio.wait({prompting, pressing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            # The timeout starts after the prompt.
            if not (pressing.done() or leaving.done()):
                await asyncio.wait({pressing, leaving}, timeout=verb.timeout, return_when=asyncio.FIRST_COMPLETED)
            return pressing.result() if pressing.done() else None
        finally:
            for task in (prompting, pressing, leaving):
                task.cancel()
            # Wait for the cancellation, or the prompt could play into the next verb.
            await asyncio.wait({prompting, pressing, leaving})

    async def _prompt(self, verb: Gather) -> None:
        for prompt in verb.prompts:
            await self._perform(prompt)

    async def _key(self, seconds: float) -> str | None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self._party.keys.get()
        return None
