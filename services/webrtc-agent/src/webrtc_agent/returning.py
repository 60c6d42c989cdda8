"""Let conversations outlive their connection: a visitor who returns continues where they were.

A conversation has parts, one per connection. Between two parts it holds neither a slot nor a stream to the model: what
was said is in the call store, encrypted with a key that only the visitor's page has. The page sends its token to
resume; each part has its own token, which one claim uses up. The conversation has one end record, written by its last
part, or by the task that had it last if the visitor did not return in time.
"""

import asyncio
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any, Final, Protocol

import structlog

from agent_core import resumption
from agent_core.adapters.call_store.key_value_store import KeyValueStore
from agent_core.adapters.call_store.process_store import ProcessStore
from agent_core.adapters.call_store.seal import Seal, derive_key
from agent_core.adapters.call_store.store import CallStore
from agent_core.admission import Slot
from agent_core.agent_runtime import AgentRuntime
from agent_core.agents.agent import Agent
from agent_core.agents.stages import StagePosition
from agent_core.call_state import CallState
from agent_core.call_state_writer import CallStateWriter
from agent_core.events import CallDetailRecord, EndReason, SessionStats
from agent_core.nova.transcript import History
from agent_core.open_conversations import OpenConversation
from agent_core.session_request import SessionRequest
from agent_core.tools.acts import ActsDone
from webrtc_agent.errors import SessionOver, SessionTaken, UnknownSession
from webrtc_agent.return_token import Token

log = structlog.get_logger()

MARGIN_SECONDS: Final = 20.0
"""Added to the time for which the page retries: its last request is in transit, and it notices a loss later or sooner
than the service.
"""
KEPT_SECONDS: Final = 600.0
"""A visitor who returns after the page's retries starts another conversation, which knows of this one; until then."""
SEEN_SECONDS: Final = 20.0
"""How often the store is updated while a visitor is connected: it is all that other tasks learn if this one is killed.
"""
MAX_PARTS: Final = 40
"""A connection that was lost this often will be lost again, and each part opens a stream to the model."""
STOP_SECONDS: Final = 6.0
"""Longest wait for a part that another one replaces."""
LEAVING_SECONDS: Final = 3.0
"""Time that a stopping task gives visitors to resume elsewhere, before it writes their records itself."""
_KEY_LABEL: Final = b"webrtc-agent visit memory v1"
_NAME_BYTES: Final = 12
_KEY_BYTES: Final = 32
_LOST: Final = frozenset(
    {EndReason.MEDIA_DISCONNECTED, EndReason.DRAINED, EndReason.CALLER_HUNG_UP, EndReason.NEVER_CONNECTED}
)
"""End reasons after which a visitor may return. A reloaded page closes its connection just like one that is left."""


class Talk(Protocol):
    """The session of one part."""

    @property
    def session_id(self) -> str:
        """Identifies the conversation."""

    def end(self, reason: EndReason) -> None:
        """End it."""


class ConversationPart:
    """One part of a conversation: from a visitor's connection to its loss.

    Args:
        returns: The conversations of this task.
        token: Lets the visitor return after this part.
        known: The stored state of the conversation at the start of the part.
    """

    def __init__(self, returns: "Returns", token: Token, known: CallState) -> None:
        self.token = token
        self.state_writer = CallStateWriter(returns.store(token), known)
        self._was_quiet: Callable[[], bool] = lambda: False
        self.stats = SessionStats()
        self.waiting: asyncio.Task[None] | None = None
        self.replaced = False
        self.over = asyncio.Event()
        """Set when its session has ended."""
        self._returns = returns
        self._known = known
        self._earlier = _stats(known.stats)
        self._talk: Talk | None = None
        self._seeing: asyncio.Task[None] | None = None
        self._left = False
        self.record: CallDetailRecord | None = None

    @property
    def is_first(self) -> bool:
        """Whether the conversation starts with this part."""
        return not self._known.session_id or self._known.recorded

    @property
    def is_new(self) -> bool:
        """Whether nothing is stored from before."""
        return self._known.begun == 0

    @property
    def agent(self) -> Agent:
        """The agent that the visitor talks with, in the version with which they began if this task knows it."""
        return self._returns.resumed(self._known)

    @property
    def has_talk(self) -> bool:
        """Whether a session runs, or has run."""
        return self._talk is not None

    @property
    def history(self) -> History:
        """What was said before."""
        return resumption.history(self._known)

    def session_request(self, slot: Slot) -> SessionRequest:
        """Return what the session of this part starts with."""
        known, first = self._known, self.is_first
        return SessionRequest(
            "browser",
            slot,
            details=known.details,
            region=known.region,
            history=self.history,
            first_words=resumption.first_words(known, self.agent.wording.sentence) if known.history else None,
            on_words=self._heed,
            agent=self.agent,
            acts=ActsDone(*known.acts),
            on_act=self.state_writer.on_act,
            at=StagePosition(known.stage, known.known),
            on_stage=self.state_writer.on_stage,
            captured=known.captured,
            on_captured=self.state_writer.on_captured,
            seconds_left=None if first else known.seconds_left(self._returns.longest, self._returns.now()),
            session_id=None if first else known.session_id,
            began_at=None if first else known.began_at,
            earlier=None if first else self._earlier,
            goes_on=self._goes_on,
            returns=lambda reason: KEPT_SECONDS if self.may_go_on(reason) else 0.0,
            hands_over=self._returns.shared,
        )

    def begin(self, talk: Talk, stats: SessionStats, was_quiet: Callable[[], bool] = lambda: False) -> None:
        """Start the session of this part.

        Args:
            talk: The session.
            stats: Counts what happens in it.
            was_quiet: Returns whether the visitor has heard everything the agent said, and waits for nothing.
        """
        self._talk, self.stats, self._was_quiet = talk, stats, was_quiet
        stats.resumed = 0 if self.is_first else 1
        self._returns.keep(self)
        self.stop_waiting()
        now = self._returns.now()
        began_at = now if self.is_first else self._known.began_at
        self.state_writer.change(session_id=talk.session_id, began_at=began_at, recorded=False, ended=None, note=None)

    def withdraw(self) -> None:
        """Withdraw the session, which never ran."""
        self._talk = None
        self._returns.withdrawn(self)

    def connected(self) -> None:
        """Record that the visitor is connected, which proves that the response to their last request arrived."""
        self.state_writer.change(attempt="", seen_at=self._returns.now())
        self.state_writer.start()
        if self._seeing is None:
            self._seeing = asyncio.create_task(self._see(), name=f"seen-{self.token.name}")

    def left(self) -> None:
        """Record that the visitor has ended the conversation and will not return."""
        self._left = True

    def lose(self) -> None:
        """End the session: the visitor has another connection."""
        self.replaced = True
        self.stop_waiting()
        if self._talk is not None:
            self._talk.end(EndReason.MEDIA_DISCONNECTED)

    def stop_waiting(self) -> None:
        """Stop waiting for the visitor."""
        if self.waiting is not None:
            self.waiting.cancel()
            self.waiting = None

    def may_go_on(self, reason: EndReason) -> bool:
        """Return whether the visitor may return after this end."""
        if reason not in _LOST or self._left or (reason is EndReason.DRAINED and not self._returns.shared):
            return False
        return self.was_connected or not self.is_first

    @property
    def was_connected(self) -> bool:
        """Whether the visitor was connected."""
        return self._seeing is not None

    def _goes_on(self, record: CallDetailRecord) -> bool:
        if self._seeing is not None:
            self._seeing.cancel()
        # The record is kept, because it is written only if the visitor does not return.
        self.record = record
        self.over.set()
        goes_on = self.may_go_on(record.reason)
        note = "" if goes_on and self._was_quiet() else None
        ended = None if goes_on else record.reason.value
        self.state_writer.change(stats=asdict(record.stats), ended=ended, note=note, seen_at=self._returns.now())
        if goes_on:
            log.info("session_paused", session_id=record.session_id, reason=record.reason.value)
        self._returns.ended(self, record, goes_on=goes_on)
        return goes_on

    def _heed(self, history: History) -> None:
        self._count()
        self.state_writer.on_transcript(history)

    def _count(self) -> None:
        stats = self.stats if self.is_first else self.stats.after(self._earlier)
        self.state_writer.change(stats=asdict(stats), seen_at=self._returns.now())

    async def _see(self) -> None:
        while True:
            await asyncio.sleep(SEEN_SECONDS)
            self._count()


class Returns:
    """The resumable conversations of this task.

    Args:
        agent: Writes the records.
        shelf: Where conversations are stored; None keeps them in this process.
        seconds: How long to wait for a visitor whose connection broke.
        longest: Longest conversation in seconds, all its parts together.
        clock: Unix seconds.
    """

    def __init__(
        self,
        agent: AgentRuntime,
        shelf: KeyValueStore | None,
        seconds: float,
        longest: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.seconds = seconds
        self.longest = longest
        self.shared = shelf is not None
        """Whether other tasks see the conversations of this one."""
        self.now = clock
        self._agent = agent
        self._shelf: KeyValueStore = ProcessStore(clock) if shelf is None else shelf
        self._parts: dict[str, ConversationPart] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    def store(self, token: Token) -> CallStore:
        """Return the store, as readable with this token."""
        key = derive_key(token.key.encode(), _KEY_LABEL)
        return CallStore(self._shelf, Seal([key]), clock=self.now)

    def resumed(self, known: CallState) -> Agent:
        """Return the agent of a conversation."""
        return self._agent.agents.resumed(known.agent, known.agent_version)

    def begin(self, details: str = "", region: str = "", agent: Agent | None = None) -> ConversationPart:
        """Start a conversation to which its visitor may return; with the default agent if none is given."""
        agent = agent or self._agent.agents.default
        token = Token(secrets.token_urlsafe(_NAME_BYTES), secrets.token_urlsafe(_KEY_BYTES), 0)
        known = CallState(token.memory, details=details, region=region, agent=agent.id, agent_version=agent.version)
        return ConversationPart(self, token, known)

    async def claim(self, text: str, attempt: str, check: Callable[[], None]) -> ConversationPart:
        """Start the next part of a conversation, once.

        Args:
            text: The token that the page received last.
            attempt: Identifies this attempt of the page; a repeated one whose response was lost succeeds again.
            check: Raises if no further visitor can be admitted here.

        Raises:
            UnknownSession: no such conversation is stored.
            SessionTaken: the token was used before.
            SessionOver: the conversation has ended.
            Refused: see ``check``.
        """
        token = Token.parse(text)
        before = self._parts.get(token.name)
        # The state in this task's memory is not encrypted, so a wrong key would not fail on its own.
        if before is not None and not hmac.compare_digest(before.token.key.encode(), token.key.encode()):
            raise UnknownSession("token")
        store = self.store(token)
        # This task's own state is newer than the store's.
        known = before.state_writer.call if before is not None else await store.recall(token.memory)
        if known is None or known.part >= MAX_PARTS or self.now() - known.seen_at > KEPT_SECONDS:
            raise UnknownSession("conversation")
        if resumption.reason_of(known) is not None:
            raise SessionOver("over")
        named = sha256(f"{token.part}/{attempt}".encode()).hexdigest()
        if token.part != known.holder and not (known.attempt and hmac.compare_digest(known.attempt, named)):
            raise SessionTaken("token")
        # A part that still runs here gives its slot to the next one, so only a new slot needs the check.
        if before is None or before.over.is_set():
            check()
        part = known.part + 1
        if not await self._redeem(store, token, part):
            raise SessionTaken("claim")
        if before is not None:
            known = await self._replace(before)
        call = replace(known, part=part, holder=part, attempt=named, begun=known.begun + 1, seen_at=self.now())
        after = ConversationPart(self, token.next(part), call)
        self.keep(after)
        # Stored before the response, so that a repeated request finds this claim in any task.
        await after.state_writer.write_now()
        self._wait(after)
        return after

    def ended(self, part: ConversationPart, record: CallDetailRecord, *, goes_on: bool) -> None:
        """Handle the end of a part's session."""
        if not part.replaced:
            if goes_on:
                self._wait(part, record)
            else:
                self._run(self._close(part), f"over-{part.token.name}")

    async def aclose(self) -> None:
        """Let returning visitors resume elsewhere, and write the records of the others; bounded."""
        if self.shared and any(part.waiting is not None for part in self._parts.values()):
            await asyncio.sleep(LEAVING_SECONDS)
        self._closing.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LEAVING_SECONDS)
        for task in self._tasks:
            task.cancel()
        if self.shared:
            await self._shelf.aclose()

    async def _replace(self, before: ConversationPart) -> CallState:
        """End the part that the visitor has left, and return the state after it."""
        before.lose()
        if before.has_talk:
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await before.over.wait()
            except TimeoutError:
                log.warning("part_not_over", session_id=before.state_writer.call.session_id)
        before.state_writer.stop()
        return before.state_writer.call

    def keep(self, part: ConversationPart) -> None:
        """Register this part as the newest of its conversation."""
        self._parts[part.token.name] = part

    def withdrawn(self, part: ConversationPart) -> None:
        """Withdraw a part whose connection was never established."""
        if part.is_first:
            self._forget(part)
        elif not part.replaced:
            self._wait(part)

    def _forget(self, part: ConversationPart) -> None:
        if self._parts.get(part.token.name) is part:
            del self._parts[part.token.name]

    def _wait(self, part: ConversationPart, record: CallDetailRecord | None = None) -> None:
        part.waiting = self._run(self._wait_for_visitor(part, record), f"waiting-{part.token.name}")

    async def _wait_for_visitor(self, part: ConversationPart, record: CallDetailRecord | None) -> None:
        known = part.state_writer.call
        # A task that is killed while it waits still owes the record. A part without a connection owes none.
        owed = (
            None
            if known.recorded or not known.session_id
            else OpenConversation(record or self._unheard(known), KEPT_SECONDS)
        )
        if owed is not None:
            self._agent.paused[known.session_id] = owed
        try:
            await self._wait_and_record(part, record)
        finally:
            if owed is not None and self._agent.paused.get(known.session_id) is owed:
                del self._agent.paused[known.session_id]

    async def _wait_and_record(self, part: ConversationPart, record: CallDetailRecord | None) -> None:
        await part.state_writer.close(over=False)
        left = part.state_writer.call.seen_at + self.seconds + MARGIN_SECONDS - self.now() if record is None else None
        try:
            async with asyncio.timeout(self.seconds + MARGIN_SECONDS if left is None else max(left, 0.0)):
                await self._closing.wait()
        except TimeoutError:
            pass
        # From here on, a visitor who returns finds the conversation recorded.
        part.waiting = None
        number = part.state_writer.call.part + 1
        # Only one task wins this claim, so that there is exactly one end record.
        if await self._redeem(self.store(part.token), part.token, number):
            if not part.state_writer.call.recorded and await self._agent.may_record(part.state_writer.call.session_id):
                self._agent.keep(record or self._unheard(part.state_writer.call), SessionStats())
            part.state_writer.change(part=number, recorded=True)
            await part.state_writer.write_now()
        self._forget(part)

    async def _close(self, part: ConversationPart) -> None:
        if part.was_connected or not part.is_first:
            await part.state_writer.close(over=True)
        self._forget(part)

    async def _redeem(self, store: CallStore, token: Token, part: int) -> bool:
        name = f"{token.memory}/{part}"
        return await store.redeem(name, self.now() + KEPT_SECONDS, unless_known=False)

    def _unheard(self, known: CallState) -> CallDetailRecord:
        """Return the record of a conversation whose last part was never established."""
        stats = _stats(known.stats)
        return CallDetailRecord(
            session_id=known.session_id,
            channel="browser",
            reason=EndReason.MEDIA_DISCONNECTED,
            started_at=known.began_at,
            duration_ms=round(max(0.0, self.now() - known.began_at) * 1000),
            stats=stats,
            agent=known.agent,
            agent_version=known.agent_version,
            cost_usd=self._agent.counting.cost_of(stats),
        )

    def _run(self, work: Any, name: str) -> asyncio.Task[None]:  # noqa: ANN401 - a coroutine
        task: asyncio.Task[None] = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _stats(kept: Any) -> SessionStats:  # noqa: ANN401 - JSON of this program, possibly of another version
    try:
        return SessionStats(**kept)
    except TypeError:
        return SessionStats()
