"""Two phone tasks behind the edge, whose callers speak and hear: the whole product, of which a test kills a part."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from standins.nova.server import NovaSettings, NovaStandin
from standins.nova.speech import speech_backend
from standins.twilio.announcement_audio import Speak
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import ExchangeSettings
from standins.twilio.voice import open_voice
from tests.support.phone_process import PhoneProcess, phone_process
from tests.support.phones_behind_edge import Fleet, phones_behind_edge


@dataclass(frozen=True)
class SpokenFleet:
    """Both tasks and all their dependencies."""

    nova: NovaStandin
    exchange: TwilioExchange
    fleet: Fleet
    speak: Speak


@asynccontextmanager
async def spoken_fleet(
    folder: Path, agents: Path, variables: Mapping[str, str], program: tuple[str, ...] = ("phone_agent",)
) -> AsyncIterator[SpokenFleet]:
    """Start everything, and stop it at the end.

    Args:
        folder: Where certificates, logs and calls are kept.
        agents: Folder of the agents.
        variables: Environment variables of the tasks.
        program: Modules that run a task, see `phone_process`.
    """
    async with AsyncExitStack() as stack:
        voice = await stack.enter_async_context(open_voice(started=True))
        assert voice is not None
        nova = await stack.enter_async_context(NovaStandin(NovaSettings(certificates=folder), speech_backend(agents)))
        exchange = await stack.enter_async_context(TwilioExchange(ExchangeSettings(), speak=voice))
        own = {"AGENTS_DIR": str(agents), **variables}

        def start(name: str, **settings: str) -> AbstractAsyncContextManager[PhoneProcess]:
            return phone_process(nova, exchange, folder / f"{name}.jsonl", own | settings, program)

        fleet = await stack.enter_async_context(phones_behind_edge(start, folder / "calls"))
        yield SpokenFleet(nova, exchange, fleet, voice)
