"""A phone service in the test's own process that has the call memory of another task."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from xml.etree.ElementTree import fromstring

from agent_core.adapters.call_store.seal import Seal
from agent_core.adapters.call_store.store import CallStore
from agent_core.call_state import CallState
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import ExchangeSettings
from tests.support.call_shelves import Memo
from tests.support.phone_in_process import PhoneInProcess, phone_in_process
from tests.support.scripted_model import ScriptedModel
from tests.support.stranger import Stranger
from tests.support.waiting import until

PARIS, RAIN = ("USER", "the weather in Paris"), ("ASSISTANT", "It rains in Paris.")


class Scene:
    """A running service over a scripted model, its call memory, and a caller."""

    def __init__(self, phone: PhoneInProcess, shelf: Memo, store: CallStore, caller: Stranger) -> None:
        self.phone = phone
        self.shelf = shelf
        self.store = store
        self.caller = caller

    async def remembered(self, **fields: object) -> CallState:
        """Store the call as another task would: it began, and its first stream is lost now."""
        call = CallState(self.caller.call_sid, (PARIS, RAIN), {"city": "Lyon"}, begun=1, **fields)  # type: ignore[arg-type]
        assert await self.store.remember(call)
        return call

    async def verbs(self, part: int = 0) -> list[str]:
        """Report a lost stream; return the verbs of the answer."""
        return [verb.tag for verb in fromstring(await self.caller.lose(part))]  # noqa: S314 - our own document


@asynccontextmanager
async def remembered_call() -> AsyncIterator[Scene]:
    """Set the scene; assert that every slot is free afterwards."""
    shelf = Memo()
    store = CallStore(shelf, Seal([b"k" * 32]), deadline=timedelta(seconds=0.2))
    async with TwilioExchange(ExchangeSettings()) as exchange:
        async with phone_in_process(exchange, ScriptedModel(), store) as phone:
            caller = Stranger(phone.url, exchange.settings)
            yield Scene(phone, shelf, store, caller)
            await caller.aclose()
        # A call keeps its slot until its last words are written, which takes longer if the store hangs.
        await until(lambda: phone.agent.admission.taken == 0)
