"""Twenty callers who talk, hang up and call again, some of them with a fault."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from tests.soak.trouble import Trouble
from tests.support.caller import Caller

PATIENCE = 30.0
"""Seconds that a caller waits for a greeting or an answer."""
_LONGEST = 300.0
_TURNS = (1, 4)
_PAUSE = (0.5, 2.5)


@dataclass
class Call:
    """The outcome of one call, as its caller saw it."""

    sid: str
    turns: int = 0
    problem: str = ""
    """Why it did not end well; empty if it did."""
    heard: list[int] = field(default_factory=list)
    """The notes that arrived, in Hz."""


@dataclass
class People:
    """All callers so far; each call's timeline is written to a file when it ends, for later diagnosis."""

    trouble: Trouble
    number: str
    timelines: Path
    calls: list[Call] = field(default_factory=list)
    stopping: bool = False
    _on_the_line: list[Caller] = field(default_factory=list)

    def nobody_answered_yet(self) -> set[str]:
        """Return the calls whose webhook is on its way."""
        return {caller.sid for caller in self._on_the_line if caller.timeline.last("twiml") is None}

    async def keep_calling(self) -> None:
        """Be one caller, until cancelled."""
        await asyncio.sleep(random.uniform(0, 3))  # noqa: S311 - spreads people, hides nothing
        while not self.stopping:
            await self._call()
            await asyncio.sleep(random.uniform(0.1, 1.0))  # noqa: S311 - as above

    async def _call(self) -> None:
        async with Caller(self.trouble.fleet.exchange, self.number) as caller:
            call = Call(caller.sid)
            self.calls.append(call)
            self._on_the_line.append(caller)
            fault = self.trouble.choose(caller)
            tasks = [asyncio.create_task(_talk(call, caller)), asyncio.create_task(_is_over(caller))]
            if fault is not None:
                tasks.append(asyncio.create_task(self._strike(fault, caller)))
            await asyncio.wait(tasks[:2], return_when=asyncio.FIRST_COMPLETED)
            call.heard = caller.notes()
            if (ended := caller.timeline.last("ended")) is not None:
                call.problem = f"dropped: {ended.fields['reason']}"
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            self._on_the_line.remove(caller)
            self._keep_timeline(call, caller)

    def _keep_timeline(self, call: Call, caller: Caller) -> None:
        events = [event.as_json() for event in caller.timeline.events]
        line = {"call_sid": call.sid, "heard": call.heard, "problem": call.problem, "events": events}
        with self.timelines.open("ab") as file:
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    async def _strike(self, fault: str, caller: Caller) -> None:
        with suppress(TimeoutError):  # the call never had a media stream: a fault that did not occur is not counted
            await self.trouble.strike(fault, caller)


async def _is_over(caller: Caller) -> None:
    await caller.until("ended", _LONGEST)


async def _talk(call: Call, caller: Caller) -> None:
    try:
        await caller.until("mark", PATIENCE)
        for _ in range(random.randint(*_TURNS)):  # noqa: S311 - chance is the point
            await asyncio.sleep(random.uniform(*_PAUSE))  # noqa: S311 - as above
            await caller.ask(PATIENCE)
            call.turns += 1
    except TimeoutError:
        call.problem = "unanswered" if call.turns or caller.timeline.last("mark") else "never_greeted"
    except Exception as error:  # noqa: BLE001 - the report lists every error of a caller
        call.problem = f"broken: {type(error).__name__}"
