"""People who talk, hang up, and call again, for as long as a test wants, and the outcome of each conversation."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.caller import Caller
from tests.support.fleet import Fleet
from tests.support.visitor import Visitor
from tests.support.waiting import until

PATIENCE = 40.0
"""Seconds that a machine of two cores may need for an answer while services start on it."""
_LONGEST = 300.0
_TURNS = (1, 3)
_PAUSE = (0.5, 2.0)


@dataclass
class Talk:
    """One call or visit."""

    name: str
    """The call's sid; a visit's session."""
    greeted: bool = False
    asked: int = 0
    answered: int = 0
    problem: str = ""
    """Why the conversation failed; empty if it did not."""
    heard: list[str] = field(default_factory=list)
    """What the telephone network, not the agent, said to the caller."""


@dataclass
class Traffic:
    """The conversations so far."""

    calls: list[Talk] = field(default_factory=list)
    visits: list[Talk] = field(default_factory=list)
    live: int = 0
    stopping: bool = False

    @property
    def problems(self) -> Counter[str]:
        """Return how often each problem occurred."""
        return Counter(talk.problem for talk in [*self.calls, *self.visits] if talk.problem)

    def summary(self) -> str:
        """Return a summary in one line."""
        talks = [*self.calls, *self.visits]
        turns = sum(talk.answered for talk in talks)
        wrong = ", ".join(f"{count} {name}" for name, count in self.problems.items()) or "nothing went wrong"
        return f"{len(self.calls)} calls and {len(self.visits)} visits with {turns} answers: {wrong}"


@asynccontextmanager
async def traffic(fleet: Fleet, *, callers: int, visitors: int) -> AsyncIterator[Traffic]:
    """Keep so many people talking; at the end of the block they finish their conversations."""
    happened = Traffic()
    people: list[Callable[[], Coroutine[Any, Any, None]]] = [
        *[lambda: _one_call(fleet, happened)] * callers,
        *[lambda: _one_visit(fleet, happened)] * visitors,
    ]
    async with asyncio.TaskGroup() as group:
        for person in people:
            group.create_task(_again_and_again(happened, person))
        try:
            await until(lambda: happened.live >= callers + visitors, PATIENCE)
            yield happened
        finally:
            happened.stopping = True


async def _again_and_again(happened: Traffic, person: Callable[[], Coroutine[Any, Any, None]]) -> None:
    await asyncio.sleep(random.uniform(0, 1))  # noqa: S311 - spreads people, hides nothing
    while not happened.stopping:
        await person()


async def _one_call(fleet: Fleet, happened: Traffic) -> None:
    caller = Caller(fleet.exchange, fleet.edge.url)
    async with caller:
        talk = Talk(caller.sid)
        happened.calls.append(talk)
        talking = asyncio.create_task(_talk(caller, happened, talk))
        ending = asyncio.create_task(caller.until("ended", _LONGEST))
        await asyncio.wait({talking, ending}, return_when=asyncio.FIRST_COMPLETED)
        ended = caller.timeline.last("ended")
        if ended is not None:
            talk.problem = f"dropped: {ended.fields['reason']}"
        for task in (talking, ending):
            task.cancel()
        await asyncio.wait({talking, ending})
        talk.heard = [str(event.fields["text"]) for event in caller.timeline.named("say")]
        if talk.heard and not talk.problem:
            talk.problem = "fell_back"
    await asyncio.sleep(0.1)


async def _talk(caller: Caller, happened: Traffic, talk: Talk) -> None:
    try:
        await caller.until("mark", PATIENCE)
        await _converse(happened, talk, lambda: caller.ask(PATIENCE))
    except TimeoutError:
        talk.problem = "unanswered" if talk.greeted else "never_greeted"


async def _one_visit(fleet: Fleet, happened: Traffic) -> None:
    async with Visitor(fleet.edge.url) as visitor:
        talk = Talk("")
        happened.visits.append(talk)
        try:
            await visitor.join("/api/offer")
            await visitor.until("bot-stopped-speaking", seconds=PATIENCE)
            await _converse(happened, talk, lambda: _ask(visitor))
        except TimeoutError:
            talk.problem = "visitor_unanswered"
        except Exception as error:  # noqa: BLE001 - the report lists every error of a visitor
            talk.problem = f"visitor_refused: {type(error).__name__}"
        if visitor.of("server-message"):
            talk.problem = "visitor_dropped"


async def _ask(visitor: Visitor) -> None:
    answers = len(visitor.of("bot-stopped-speaking"))
    visitor.speak(300)
    await visitor.until("bot-stopped-speaking", count=answers + 1, seconds=PATIENCE)


async def _converse(happened: Traffic, talk: Talk, ask: Callable[[], Coroutine[Any, Any, None]]) -> None:
    talk.greeted = True
    happened.live += 1
    try:
        for _ in range(random.randint(*_TURNS)):  # noqa: S311 - as above
            await asyncio.sleep(random.uniform(*_PAUSE))  # noqa: S311 - as above
            talk.asked += 1
            await ask()
            talk.answered += 1
    finally:
        happened.live -= 1
