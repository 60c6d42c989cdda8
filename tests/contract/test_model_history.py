"""Histories of any kind from the product, checked against the strictest reading of the service's rules."""

import asyncio
import random

import pytest

from agent_core.nova.model_session import ModelSession, SessionPrompt
from agent_core.nova.transcript import History
from agent_core.nova.wire import Role
from standins.nova.inputs import parse
from standins.nova.protocol_state import ProtocolState
from standins.nova.service_limits import ServiceLimits

WORDS = ["yes", "tomorrow", "Ünïcödé", "погода", "天気はどうですか", "مرحبا", "🙂", "a" * 70, "   ", "\n", ""]
MODEL = "amazon.nova-2-5-sonic"


class Judged:
    """A stream that passes each event to the stand-in's rules when it is sent."""

    def __init__(self) -> None:
        self.history: list[tuple[str, str]] = []
        self._session = ProtocolState(MODEL, ServiceLimits(), self._now())

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def open(self, model_id: str) -> "Judged":
        """Return the stream itself, which is the client, too."""
        assert model_id == MODEL
        return self

    async def send(self, event: bytes) -> None:
        """Check an event.

        Raises:
            StreamFault: the service would reject it.
        """
        self._session.receive(parse(event), self._now())

    async def ready(self) -> None:
        """Return at once."""

    async def receive(self) -> bytes | None:
        """Wait forever: the model is silent."""
        await asyncio.Event().wait()
        return None

    async def close(self) -> None:
        """Release nothing."""


def _any_history(chance: random.Random) -> History:
    return tuple(
        (
            chance.choice([Role.USER, Role.ASSISTANT]),
            " ".join(chance.choice(WORDS) for _ in range(chance.choice([0, 1, 5, 40, 400]))),
        )
        for _ in range(chance.choice([0, 1, 2, 5, 39, 40, 41, 150]))
    )


@pytest.mark.parametrize("ready", [False, True], ids=["at once", "in advance"])
async def test_a_thousand_histories_are_taken(ready: bool) -> None:  # noqa: FBT001 - pytest passes it so
    """The rules accept histories of any length, order and script, at the opening of a stream or later."""
    chance = random.Random(13 + ready)  # noqa: S311 - repeatable

    async def tell(history: History) -> None:
        stream = Judged()
        prompt = SessionPrompt("Be brief.", "matthew", history=() if ready else history)
        if not ready:
            await ModelSession.open(stream, MODEL, prompt)
            return
        session = await ModelSession.open_ready(stream, MODEL, prompt)
        running = asyncio.create_task(session.run(_ignore))
        session.begin(history)
        session.hear(bytes(640))
        await asyncio.sleep(1)
        assert not running.done()
        await session.close()
        running.cancel()

    await asyncio.gather(*(tell(_any_history(chance)) for _ in range(500)))


async def _ignore(_event: object) -> None:
    """Ignore the event."""
