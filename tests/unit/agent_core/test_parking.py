"""Pre-warmed sessions, opened while the phone rings: adopted in time, or released completely."""

import asyncio
from datetime import timedelta

import pytest

from agent_core.admission import Admission
from agent_core.errors import ModelUnavailable
from agent_core.nova.model_session import ModelSession, SessionPrompt
from agent_core.nova.prewarm_pool import PrewarmPool
from agent_core.quota.capacity import Capacity
from tests.support.scripted_model import ScriptedModel
from tests.support.waiting import until

PROMPT = SessionPrompt("Be brief.", "matthew")
CALL = "CA1"


class Lot:
    """Pre-warming over a scripted model, with one slot."""

    def __init__(self, keep: float = 30.0, streams: int | None = None) -> None:
        self.model = ScriptedModel()
        self.capacity = Capacity([""], streams)
        self.admission = Admission(3, capacity=self.capacity)
        self.abandoned: list[str] = []
        self.prewarm_pool = PrewarmPool(self._open, lambda key, _: self.abandoned.append(key), timedelta(seconds=keep))

    async def _open(self, prompt: SessionPrompt) -> ModelSession:
        return await ModelSession.open(self.model, "a-model", prompt)

    def prewarm(self, key: str = CALL) -> None:
        """Pre-warm a session for a call."""
        self.prewarm_pool.prewarm(key, PROMPT, self.admission.admit(), {"city": "Oslo"}, ahead=self.capacity.ahead())


async def test_the_session_waits_for_its_call() -> None:
    """The adopting call gets the slot, the facts and an open session."""
    lot = Lot()
    lot.prewarm()
    prewarmed = lot.prewarm_pool.adopt(CALL)
    assert prewarmed is not None
    session = await prewarmed.session()
    assert session is not None
    assert prewarmed.facts == {"city": "Oslo"}
    assert (lot.admission.taken, len(lot.prewarm_pool), lot.model.open_streams) == (1, 0, 1)
    await session.close()


async def test_it_is_adopted_once_and_by_its_own_call() -> None:
    """Another call gets no session, and neither does a second adoption."""
    lot = Lot()
    lot.prewarm()
    assert lot.prewarm_pool.adopt("CA2") is None
    prewarmed = lot.prewarm_pool.adopt(CALL)
    assert prewarmed is not None
    assert lot.prewarm_pool.adopt(CALL) is None
    await prewarmed.discard()


async def test_a_second_webhook_opens_no_second_session() -> None:
    """A second webhook opens no second session, and its slot is released."""
    lot = Lot()
    lot.prewarm()
    lot.prewarm()
    await lot.model.stream()
    assert (lot.admission.taken, len(lot.prewarm_pool)) == (1, 1)
    await lot.prewarm_pool.aclose()
    assert (len(lot.model.streams), lot.model.open_streams, lot.admission.taken) == (1, 0, 0)


async def test_a_call_that_never_comes_costs_nothing_for_long() -> None:
    """Stream and slot of a call that never comes are released when the time is up."""
    lot = Lot(keep=0.05)
    lot.prewarm()
    await lot.model.stream()
    await until(lambda: lot.admission.taken == 0 and lot.model.open_streams == 0)
    assert lot.prewarm_pool.adopt(CALL) is None
    assert lot.model.streams[0].names()[-1] == "sessionEnd"
    assert lot.abandoned == [CALL]


async def test_a_call_that_is_known_to_have_gone_is_not_waited_for() -> None:
    """A call whose socket opened and closed without a message is not waited for."""
    lot = Lot()
    lot.prewarm()
    await lot.model.stream()
    lot.prewarm_pool.dismiss(CALL)
    lot.prewarm_pool.dismiss(CALL)
    await until(lambda: lot.admission.taken == 0 and lot.model.open_streams == 0)
    assert lot.abandoned == [CALL]


async def test_one_that_was_adopted_does_not_expire() -> None:
    """Adoption cancels the timer."""
    lot = Lot(keep=0.05)
    lot.prewarm()
    prewarmed = lot.prewarm_pool.adopt(CALL)
    assert prewarmed is not None
    assert await prewarmed.session() is not None
    await asyncio.sleep(0.15)
    assert (lot.admission.taken, lot.model.open_streams, lot.abandoned) == (1, 1, [])
    await prewarmed.discard()


async def test_discarding_while_it_opens_leaves_no_stream() -> None:
    """A half-open stream is closed too, however slow the model is."""
    lot = Lot()
    lot.model = ScriptedModel(lambda stream: stream.takes_events.clear())
    lot.prewarm()
    await lot.model.stream()
    prewarmed = lot.prewarm_pool.adopt(CALL)
    assert prewarmed is not None
    async with asyncio.timeout(3):
        await prewarmed.discard()
    assert (lot.admission.taken, lot.model.open_streams) == (0, 0)


@pytest.mark.parametrize("error", [ModelUnavailable("ThrottlingException"), KeyError("a defect")])
async def test_a_session_that_could_not_be_opened_is_none(error: Exception) -> None:
    """After a failed pre-warming the call comes anyway and opens a session of its own."""
    lot = Lot()
    lot.model.refusals.append(error)
    lot.prewarm()
    prewarmed = lot.prewarm_pool.adopt(CALL)
    assert prewarmed is not None
    assert await prewarmed.session() is None
    assert lot.admission.taken == 1
    await prewarmed.discard()
    assert lot.admission.taken == 0


async def test_one_that_failed_expires_quietly() -> None:
    """The failure of an unused session is not logged."""
    lot = Lot(keep=0.05)
    lot.model.refusals.append(ModelUnavailable("ThrottlingException"))
    lot.prewarm()
    await until(lambda: lot.admission.taken == 0)


@pytest.mark.parametrize("count", [1, 3])
async def test_closing_discards_everything(count: int) -> None:
    """The process closes every paid stream before it ends."""
    lot = Lot()
    for number in range(count):
        lot.prewarm(f"CA{number}")
    await lot.model.stream(count - 1)
    before = asyncio.all_tasks()
    await lot.prewarm_pool.aclose()
    assert (len(lot.prewarm_pool), lot.admission.taken, lot.model.open_streams) == (0, 0, 0)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() <= before
