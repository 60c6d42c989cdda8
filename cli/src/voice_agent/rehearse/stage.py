"""Where rehearsals are held: on a system of their own on this machine, or against a deployment."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from standins.agents.folder import read_folder
from standins.agents.replies import reply_sentences
from standins.agents.yaml_file import FolderError
from standins.speech import ReplyReader, transcribe_answer
from standins.twilio.announcement_audio import Speak
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import ExchangeSettings
from voice_agent.call.caller import Number
from voice_agent.call.recogniser import Transcribe
from voice_agent.call.running import Running
from voice_agent.rehearse.conditions import QUIET, Condition
from voice_agent.rehearse.options import RehearseOptions
from voice_agent.rehearse.rehearsals import Rehearsal
from voice_agent.rehearse.system import System, open_system
from voice_agent.rehearse.variants import Channel, CopyKey, agent_file, local_files, make_copies

_CALLER: Final = "+15550100999"
_ANY_NUMBER: Final = "+15005550001"
"""Called where an agent has no number of its own: then the default agent answers."""


_DEPLOYED: Final[CopyKey] = (QUIET.name, None, "phone", 1)


class UsageError(Exception):
    """The options do not allow a rehearsal; the message says what to do."""


@dataclass(frozen=True)
class Stage:
    """Where to call, and what is visible inside."""

    work: Path
    """The folder for the audio of every conversation."""
    where: str
    """The system, for the report."""
    numbers: Mapping[CopyKey, Number] = field(default_factory=dict)
    """By condition, by the time that the tools see, by channel and by attempt."""
    web_url: str = ""
    agents: Mapping[CopyKey, str] = field(default_factory=dict)
    """The same, for the web."""
    running: Running | None = None
    """None for a deployment, of which only the audio is visible."""
    system: System | None = None
    transcribe: Transcribe = transcribe_answer
    """Reads the replies of a deployment."""

    def key(self, condition: Condition, rehearsal: Rehearsal, channel: Channel, attempt: int) -> CopyKey:
        """Return the key of the agent that a rehearsal is held with; a deployment has one, with its own clock."""
        if self.system is None:
            return _DEPLOYED
        return condition.name, rehearsal.now, channel, attempt


@contextlib.asynccontextmanager
async def open_here(
    options: RehearseOptions,
    work: Path,
    conditions: Sequence[Condition],
    rehearsals: Sequence[Rehearsal],
    *,
    kills: int,
) -> AsyncIterator[Stage]:
    """Start a system of its own and yield it.

    Args:
        options: The options.
        work: An empty folder.
        conditions: Each gets a copy of the agent.
        rehearsals: Each time that they set gets a copy, too.
        kills: How often a task will be killed.

    Raises:
        ChildError: A part did not start.
    """
    logs = work / "system"
    logs.mkdir()
    # In the order of the rehearsals, so that the first copy is the one of the first.
    times = list(dict.fromkeys(one.now for one in rehearsals))
    # One attempt more where what the model misses among other conversations is repeated alone.
    attempts = options.times + (options.at_once > 1)
    copies = make_copies(
        options.folder.resolve(), work / "agents", conditions, times, channels=options.channels, attempts=attempts
    )
    learnt = work / "rehearsed"
    learnt.mkdir()
    (learnt / options.folder.resolve().name).symlink_to(options.folder.resolve())
    # A variable of the operator would lead the copies to the agent's real files.
    own = {name: value for name, value in options.environment.items() if name not in local_files(options.folder)}
    async with open_system(logs, work / "agents", learnt, own, phones=1 + kills) as system:
        url, exchange = system.running.called_url, system.running.exchange_url
        numbers = {key: Number(exchange, f"{url}/incoming-call", _CALLER, copy.number) for key, copy in copies.items()}
        agents = {key: copy.id for key, copy in copies.items()}
        yield Stage(work, "stand-ins on this machine", numbers, system.web_url, agents, system.running, system)


@contextlib.asynccontextmanager
async def open_deployment(options: RehearseOptions, work: Path, speak: Speak | None) -> AsyncIterator[Stage]:
    """Yield a deployment, called through an exchange of our own that signs as the deployment's account.

    Raises:
        UsageError: The credentials or the URL are missing, or the folder cannot be read.
    """
    sid, token = (options.environment.get(name, "") for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"))
    if not sid or not token:
        raise UsageError(
            f"{options.url} accepts signed calls only: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN to those of the"
            " deployment"
        )
    if not options.url.startswith(("http://", "https://")):
        raise UsageError(f"{options.url!r} is not a URL such as https://agent.example.com")
    # The number selects the agent; a deployment may know none, and then its default agent answers.
    called = str(next(iter(agent_file(options.folder).get("numbers") or ()), _ANY_NUMBER))
    async with TwilioExchange(ExchangeSettings(account_sid=sid, auth_token=token), speak=speak) as exchange:
        number = Number(exchange.url, f"{options.url.rstrip('/')}/incoming-call", _CALLER, called)
        agents = {_DEPLOYED: options.folder.resolve().name}
        transcribe = await asyncio.to_thread(_reader, options.folder.resolve())
        yield Stage(work, options.url, {_DEPLOYED: number}, options.url, agents, transcribe=transcribe)


def _reader(folder: Path) -> Transcribe:
    """Return a recogniser that expects the folder's own words.

    Raises:
        UsageError: The folder cannot be read.
    """
    try:
        return ReplyReader.of(reply_sentences(folder, read_folder(folder))).read
    except FolderError as error:
        raise UsageError(str(error)) from error
