"""A conversation over the AWS SDK with the Nova stand-in, without a service around it: the model's side.

The caller sends numbered audio 25 times a second, quiet or loud, so that the ledger can detect what was lost.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from awscrt import io as crt_io

from agent_core.announcements import Announcement
from agent_core.errors import ModelError
from agent_core.events import SessionStats
from agent_core.nova.credentials import CredentialSource
from agent_core.nova.facts import Fact, ReplyAudio, StreamStarted, ToolRequested
from agent_core.nova.http2.client import Http2ModelClient
from agent_core.nova.model_session import ModelSession, SessionPrompt
from agent_core.nova.resilient_connection import ResilientConnection
from agent_core.nova.sdk import SdkModelClient
from agent_core.nova.stream import ModelClient
from agent_core.nova.transcript import ConversationTranscript, History
from agent_core.nova.wire import Role, WireToolSpec
from agent_core.settings import NovaTransport
from standins.nova.server import NovaStandin
from standins.nova.session_records import SessionRecord
from tests.support import ledger
from tests.support.numbered import LOUD, QUIET, frame
from tests.support.state_runner import StateRunner
from tests.support.waiting import until

MODEL = "amazon.nova-2-5-sonic"
_TOOLS = (WireToolSpec("get_weather", "Get the weather.", {"type": "object", "properties": {}}),)


def client(nova: NovaStandin, credentials: CredentialSource) -> SdkModelClient:
    """Return the product's client, which trusts the stand-in."""
    made = SdkModelClient(region="us-east-1", endpoint=nova.url, credentials=credentials)
    options = crt_io.TlsContextOptions()
    options.override_default_trust_store_from_path(None, str(nova.trust.ca_file))
    made._shared._tls_ctx = crt_io.ClientTlsContext(options)
    return made


def client_over(transport: NovaTransport, nova: NovaStandin, credentials: CredentialSource) -> ModelClient:
    """Return the product's client for this transport, which trusts the stand-in."""
    if transport is NovaTransport.SDK:
        return client(nova, credentials)
    direct = Http2ModelClient(region="us-east-1", endpoint=nova.url, credentials=credentials)
    direct.trust.load_verify_locations(nova.trust.ca_file)
    return direct


@dataclass
class Talk:
    """One conversation; a `ModelSource` of its own."""

    nova: NovaStandin
    client: ModelClient
    renew_after: float
    model: str = MODEL
    said_before: History = ()
    stats: SessionStats = field(default_factory=SessionStats)
    failure: ModelError | None = None
    amplitude: int = QUIET
    muted: bool = False
    tool_seconds: float = 0.0
    sent: int = 0
    sound_ms: float = 0.0
    model_sessions: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Connect the parts."""
        self.transcript = ConversationTranscript(self.said_before)
        self.state = StateRunner(lambda: not self.connection.caller_speaks)
        self.connection = ResilientConnection(
            self,
            self.transcript,
            self.stats,
            self.state.on,
            self.state.is_quiet,
            input_rate=8000,
            renew_after=self.renew_after,
        )
        self._tools: set[asyncio.Task[None]] = set()
        self.stages: list[str] = []

    @property
    def phrases(self) -> list[Announcement]:
        """The announcements that the caller heard."""
        return self.state.said

    def _prompt(self, history: History) -> SessionPrompt:
        return SessionPrompt("Be brief.", "matthew", tools=_TOOLS, history=history)

    async def first(self) -> ModelSession | None:
        """Return None: there is no pre-warmed session."""
        return None

    async def open(self, history: History) -> ModelSession:
        """Open a session with the history."""
        return await ModelSession.open(self.client, self.model, self._prompt(history))

    async def open_ready(self, stage: str = "") -> ModelSession:
        """Open a session that waits."""
        self.stages.append(stage)
        return await ModelSession.open_ready(self.client, self.model, self._prompt(()))

    async def discard(self) -> None:
        """Do nothing: there is no pre-warmed session."""

    async def take(self, fact: Fact) -> None:
        """Handle a fact as a service does."""
        match fact:
            case ReplyAudio(pcm):
                self.sound_ms += len(pcm) / 16
            case StreamStarted(model_session_id):
                self.model_sessions.append(model_session_id)
            case ToolRequested(use):
                task = asyncio.create_task(self._use(use.tool_use_id))
                self._tools.add(task)
                task.add_done_callback(self._tools.discard)

    async def _use(self, tool_use_id: str) -> None:
        await asyncio.sleep(self.tool_seconds)
        self.connection.answer_tool(tool_use_id, {"temperature": 7})

    async def run(self) -> None:
        """Talk until closed."""
        try:
            await self.connection.run(self.take)
        except ModelError as error:
            self.failure = error

    async def send(self) -> None:
        """Send the caller's audio until cancelled."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            if not self.muted:
                self.connection.hear(frame(self.sent, self.amplitude) + frame(self.sent + 1, self.amplitude))
            self.sent += 2
            await asyncio.sleep(began + self.sent * 0.02 - loop.time())

    async def speak(self, seconds: float = 0.3) -> None:
        """Send a caller's speech of this length, however busy the machine is."""
        until_sent = self.sent + round(seconds * 50)
        self.amplitude = LOUD
        await until(lambda: self.sent >= until_sent, seconds + 10)
        self.amplitude = QUIET

    async def ask(self, seconds: float = 10.0) -> str:
        """Let the caller speak, and wait for the final words of an answer to it."""
        before = len(self.agent_said())
        await self.speak()
        await until(lambda: len(self.agent_said()) > before, seconds)
        return self.agent_said()[before]

    def agent_said(self) -> list[str]:
        """Return the agent's turns."""
        return [words for role, words in self.transcript.history if role is Role.ASSISTANT]

    def records(self) -> list[SessionRecord]:
        """Return the stand-in's records of this conversation, in order."""
        return [self.nova.ledger.sessions[session] for session in self.model_sessions]

    def balance(self, *, outage_ms: int = 0, tools_given_up: int = 0) -> None:
        """Balance the ledgers; L5 and L8 only where no answer was interrupted."""
        ledger.streams_are_closed(self.nova.ledger, self.model_sessions)
        ledger.tools_are_answered(self.records(), tools_given_up)
        ledger.sound_arrived([bytes(record.sound or b"") for record in self.records()], outage_ms=outage_ms)

    def nothing_was_torn(self) -> None:
        """Check L5 and L8: each final word is in the transcript once and in order, and all audio reached the caller."""
        said = [words for record in self.records() for words in record.said]
        ledger.words_are_kept(said, self.agent_said())
        given = sum(record.audio_seconds_out for record in self.records()) * 1000
        ledger.sound_is_accounted_for(given, sent_ms=self.sound_ms, dropped_ms=0)


@asynccontextmanager
async def talking(talk: Talk) -> AsyncIterator[Talk]:
    """Greet, talk, hang up."""
    talk.connection.read("Greet the caller.")
    running, sending = asyncio.create_task(talk.run()), asyncio.create_task(talk.send())
    try:
        yield talk
    finally:
        sending.cancel()
        await asyncio.wait({sending})
        async with asyncio.timeout(5):
            await talk.connection.close()
            await asyncio.wait({running})
        await until(lambda: talk.nova.ledger.streams_open == 0, 5)
