"""Conversations that outlive their connection: a visitor who comes back goes on where they were.

A conversation has parts, one for each connection. Between two parts it holds no place and no stream to the model: what
was said lies in the call store, sealed with a key that only the visitor's page has. The page shows its token to come
back; each part has a token of its own, which one claim uses up. The conversation has one end record, which its last
part leaves, or the task that had it last when the visitor did not come back in time.
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
from agent_core.call_state import CallState
from agent_core.call_state_writer import CallStateWriter
from agent_core.events import CallDetailRecord, EndReason, SessionStats
from agent_core.nova.transcript import History
from agent_core.session_request import SessionRequest
from webrtc_agent.errors import SessionOver, SessionTaken, UnknownSession
from webrtc_agent.return_token import Token

log = structlog.get_logger()

MARGIN_SECONDS: Final = 20.0
"""Added to the time that the page tries for: its last request is on the way, and it notices a loss later or sooner than
the service."""
KEPT_SECONDS: Final = 600.0
"""Who comes later than the page tries for begins another conversation, which knows of this one; until then."""
SEEN_SECONDS: Final = 20.0
"""How often it is written down that a visitor is there: no other task knows it of one that is killed."""
MAX_PARTS: Final = 40
"""A connection that was lost so often will be lost again, and each part opens a stream to the model."""
STOP_SECONDS: Final = 6.0
"""Longest wait for a part that another one replaces."""
LEAVING_SECONDS: Final = 3.0
"""A task that stops leaves so much time to visitors who go on elsewhere, before it writes their records itself."""
_KEY_LABEL: Final = b"webrtc-agent visit memory v1"
_NAME_BYTES: Final = 12
_KEY_BYTES: Final = 32
_LOST: Final = frozenset(
    {EndReason.MEDIA_DISCONNECTED, EndReason.DRAINED, EndReason.CALLER_HUNG_UP, EndReason.NEVER_CONNECTED}
)
"""Ends after which a visitor may come back. A page that is reloaded closes its connection as one that is left does."""


class Talk(Protocol):
    """The session of one part."""

    @property
    def session_id(self) -> str:
        """Names the conversation."""

    def end(self, reason: EndReason) -> None:
        """End it."""


class ConversationPart:
    """One part of a conversation: from a visitor's connection to its loss.

    Args:
        returns: Whose.
        token: Lets the visitor come back after this part.
        known: What is known of the conversation when the part begins.
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
        """Whether the conversation begins with it."""
        return not self._known.session_id or self._known.recorded

    @property
    def is_new(self) -> bool:
        """Whether nothing is remembered from before."""
        return self._known.begun == 0

    @property
    def has_talk(self) -> bool:
        """Whether a session runs, or has run."""
        return self._talk is not None

    @property
    def history(self) -> History:
        """What was said before."""
        return resumption.history(self._known)

    def session_request(self, slot: Slot) -> SessionRequest:
        """Make what the session of this part begins with."""
        known, first = self._known, self.is_first
        return SessionRequest(
            "browser",
            slot,
            details=known.details,
            region=known.region,
            history=self.history,
            first_words=resumption.first_words(known) if known.history else None,
            on_words=self._heed,
            seconds_left=None if first else known.seconds_left(self._returns.longest, self._returns.now()),
            session_id=None if first else known.session_id,
            began_at=None if first else known.began_at,
            earlier=None if first else self._earlier,
            goes_on=self._goes_on,
            hands_over=self._returns.shared,
        )

    def begin(self, talk: Talk, stats: SessionStats, was_quiet: Callable[[], bool] = lambda: False) -> None:
        """Take the session of this part.

        Args:
            talk: The session.
            stats: Counts what happens in it.
            was_quiet: Tells whether the visitor has heard all that the agent said, and waits for nothing.
        """
        self._talk, self.stats, self._was_quiet = talk, stats, was_quiet
        stats.resumed = 0 if self.is_first else 1
        self._returns.keep(self)
        self.stop_waiting()
        now = self._returns.now()
        began_at = now if self.is_first else self._known.began_at
        self.state_writer.change(session_id=talk.session_id, began_at=began_at, recorded=False, ended=None, note=None)

    def withdraw(self) -> None:
        """Take the session back, which never ran."""
        self._talk = None
        self._returns.withdrawn(self)

    def connected(self) -> None:
        """The visitor is there: from now on the answer to their last request has arrived."""
        self.state_writer.change(attempt="", seen_at=self._returns.now())
        self.state_writer.start()
        if self._seeing is None:
            self._seeing = asyncio.create_task(self._see(), name=f"seen-{self.token.name}")

    def left(self) -> None:
        """The visitor has ended the conversation, and does not come back."""
        self._left = True

    def lose(self) -> None:
        """End the session: the visitor has another connection."""
        self.replaced = True
        self.stop_waiting()
        if self._talk is not None:
            self._talk.end(EndReason.MEDIA_DISCONNECTED)

    def stop_waiting(self) -> None:
        """Wait no longer for the visitor."""
        if self.waiting is not None:
            self.waiting.cancel()
            self.waiting = None

    def may_go_on(self, reason: EndReason) -> bool:
        """Tell whether the visitor may come back after such an end."""
        if reason not in _LOST or self._left or (reason is EndReason.DRAINED and not self._returns.shared):
            return False
        return self.was_connected or not self.is_first

    @property
    def was_connected(self) -> bool:
        """Whether the visitor was there."""
        return self._seeing is not None

    def _goes_on(self, record: CallDetailRecord) -> bool:
        if self._seeing is not None:
            self._seeing.cancel()
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
    """Conversations of this task that a visitor may come back to.

    Args:
        agent: Writes the records.
        shelf: Where conversations are remembered; None keeps them in this process.
        seconds: How long a visitor whose connection broke is waited for.
        longest: Seconds that a conversation may last in all its parts.
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
        """Return the store, as the page with this token can read it."""
        key = derive_key(token.key.encode(), _KEY_LABEL)
        return CallStore(self._shelf, Seal([key]), clock=self.now)

    def begin(self, details: str = "", region: str = "") -> ConversationPart:
        """Begin a conversation that its visitor may come back to."""
        token = Token(secrets.token_urlsafe(_NAME_BYTES), secrets.token_urlsafe(_KEY_BYTES), 0)
        return ConversationPart(self, token, CallState(token.memory, details=details, region=region))

    async def claim(self, text: str, attempt: str, check: Callable[[], None]) -> ConversationPart:
        """Begin the next part of a conversation, once.

        Args:
            text: The token that the page was given last.
            attempt: Names this attempt of the page; a repeated one whose answer was lost succeeds again.
            check: Raises what speaks against a further visitor here.

        Raises:
            UnknownSession: no such conversation is remembered.
            SessionTaken: the token was used before.
            SessionOver: the conversation was ended.
            Refused: see ``check``.
        """
        token = Token.parse(text)
        before = self._parts.get(token.name)
        if before is not None and not hmac.compare_digest(before.token.key.encode(), token.key.encode()):
            raise UnknownSession("token")
        store = self.store(token)
        known = before.state_writer.call if before is not None else await store.recall(token.memory)
        if known is None or known.part >= MAX_PARTS or self.now() - known.seen_at > KEPT_SECONDS:
            raise UnknownSession("conversation")
        if resumption.reason_of(known) is not None:
            raise SessionOver("over")
        named = sha256(f"{token.part}/{attempt}".encode()).hexdigest()
        if token.part != known.holder and not (known.attempt and hmac.compare_digest(known.attempt, named)):
            raise SessionTaken("token")
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
        await after.state_writer.write_now()
        self._wait(after)
        return after

    def ended(self, part: ConversationPart, record: CallDetailRecord, *, goes_on: bool) -> None:
        """Take the end of a part's session."""
        if not part.replaced:
            if goes_on:
                self._wait(part, record)
            else:
                self._run(self._close(part), f"over-{part.token.name}")

    async def aclose(self) -> None:
        """Let visitors who come back do so elsewhere, and write the records of the others; bounded."""
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
        """End the part that the visitor has left behind, and return all that is known after it."""
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
        """Know this part as the newest of its conversation."""
        self._parts[part.token.name] = part

    def withdrawn(self, part: ConversationPart) -> None:
        """Take back a part whose connection did not come about."""
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
        await part.state_writer.close(over=False)
        left = part.state_writer.call.seen_at + self.seconds + MARGIN_SECONDS - self.now() if record is None else None
        try:
            async with asyncio.timeout(self.seconds + MARGIN_SECONDS if left is None else max(left, 0.0)):
                await self._closing.wait()
        except TimeoutError:
            pass
        # From here on the visitor who comes finds the conversation recorded.
        part.waiting = None
        number = part.state_writer.call.part + 1
        if await self._redeem(self.store(part.token), part.token, number):
            if not part.state_writer.call.recorded:
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
        """Make the record of a conversation whose last part never came about."""
        stats = _stats(known.stats)
        return CallDetailRecord(
            session_id=known.session_id,
            channel="browser",
            reason=EndReason.MEDIA_DISCONNECTED,
            started_at=known.began_at,
            duration_ms=round(max(0.0, self.now() - known.began_at) * 1000),
            stats=stats,
            cost_usd=self._agent.counting.cost_of(stats),
        )

    def _run(self, work: Any, name: str) -> asyncio.Task[None]:  # noqa: ANN401 - a coroutine
        task: asyncio.Task[None] = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _stats(kept: Any) -> SessionStats:  # noqa: ANN401 - JSON of this program, perhaps of another version
    try:
        return SessionStats(**kept)
    except TypeError:
        return SessionStats()
