"""150 callers and a small quota of streams: every caller who is connected also gets a stream.

Eight tasks of two services share the quota through their table. The media of most calls reach another task than the
one that answered the webhook, conversations renew their streams, and the model counts a stream as open for half a
second after its end. No other client uses this quota; the tests of the back-off cover that case.
"""

import asyncio
import random
from dataclasses import dataclass, field

import pytest

from agent_core.errors import ModelBusy, ModelError
from tests.support.stream_tables import MODEL, LimitedModel, MemoryTable, Task, sharing

CALLERS = 150
TASKS = 8
TALK_SECONDS = (60.0, 240.0)
RENEW_SECONDS = 45.0
"""Each caller's stream is renewed every 45 s, with a second stream for 3 s: eight times as often as in production."""
STREAM_SECONDS = 0.3
"""Seconds from the answer to a webhook until Twilio opens the media stream."""
KEEP_SECONDS = 4.0
"""Seconds that a task waits for media that may reach another task."""


@dataclass
class Crowd:
    """The outcomes of all callers."""

    tasks: list[Task]
    model: LimitedModel
    chance: random.Random
    admitted: int = 0
    refused: int = 0
    sorry: int = 0
    renewed: int = 0
    not_renewed: int = 0
    slowest: float = 0.0
    left_over: set[asyncio.Task[None]] = field(default_factory=set)

    async def call(self, arrives: float) -> None:
        """Be one caller."""
        await asyncio.sleep(arrives)
        answering, carrying = self.chance.choice(self.tasks), self.chance.choice(self.tasks)
        clock = asyncio.get_running_loop().time
        rang = clock()
        await answering.admission.prepare()
        try:
            place = answering.admission.admit()
        except ModelBusy:
            self.refused += 1
            self.slowest = max(self.slowest, clock() - rang)
            return
        self.admitted += 1
        ahead = answering.capacity.ahead()
        prewarmed = await answering.client.open(MODEL) if ahead is not None else None
        await asyncio.sleep(STREAM_SECONDS)
        if carrying is not answering:
            self.left_over.add(asyncio.create_task(_dismiss(place, ahead, prewarmed)))
            place, prewarmed = carrying.admission.admit(counted=True), None
        elif ahead is not None:
            ahead.release()
        try:
            await self._talk(carrying, prewarmed or await carrying.client.open(MODEL))
        finally:
            place.release()

    async def _talk(self, task: Task, stream: "object") -> None:
        left = self.chance.uniform(*TALK_SECONDS)
        try:
            await stream.receive()  # type: ignore[attr-defined]
        except ModelError:
            self.sorry += 1
            await stream.close()  # type: ignore[attr-defined]
            return
        while left > RENEW_SECONDS:
            await asyncio.sleep(RENEW_SECONDS)
            left -= RENEW_SECONDS
            try:
                async with task.client.second() as client:
                    fresh = await client.open(MODEL)
                    await fresh.ready()
            except ModelError:
                self.not_renewed += 1
                continue
            await asyncio.sleep(3.0)
            await stream.close()  # type: ignore[attr-defined]
            stream, self.renewed = fresh, self.renewed + 1
        await asyncio.sleep(left)
        await stream.close()  # type: ignore[attr-defined]


async def _dismiss(place: "object", ahead: "object", prewarmed: "object") -> None:
    await asyncio.sleep(KEEP_SECONDS - STREAM_SECONDS)
    place.release()  # type: ignore[attr-defined]
    if ahead is not None and prewarmed is not None:
        ahead.release()  # type: ignore[attr-defined]
        await prewarmed.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("within", [1.0, 30.0, 300.0], ids=["a_second", "half_a_minute", "five_minutes"])
@pytest.mark.parametrize("quota", [2, 20, 100])
async def test_fault_2_nobody_is_connected_whom_the_model_then_refuses(quota: int, within: float) -> None:
    """A rejected caller hears so within two seconds, and no stream is opened for that call."""
    table, model = MemoryTable(), LimitedModel(quota)
    async with sharing(TASKS, quota, table, model) as tasks:
        crowd = Crowd(tasks, model, random.Random(quota))  # noqa: S311 - a drill
        await asyncio.gather(*(crowd.call(within * number / CALLERS) for number in range(CALLERS)))
        await asyncio.gather(*crowd.left_over)
        assert (model.throttled, crowd.sorry) == (0, 0)
        assert crowd.slowest <= 2.0
        assert crowd.admitted + crowd.refused == CALLERS
        assert model.most <= quota
        print(  # noqa: T201 - the table
            f"quota {quota:3} within {within:5}: admitted {crowd.admitted:3} refused {crowd.refused:3} "
            f"throttled {model.throttled} most {model.most} slowest {crowd.slowest:.2f} renewed {crowd.renewed} "
            f"not renewed {crowd.not_renewed} reads {table.reads} writes {table.writes}"
        )
