"""Track the sessions of this process: waiting for their client, running, or over."""

import asyncio
import gc
from collections.abc import Callable, Coroutine
from enum import StrEnum
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import structlog
from cachetools import TTLCache

from agent_core.admission import Slot
from agent_core.events import EndReason, VisitorConsent
from agent_core.session_request import SessionRequest
from webrtc_agent.errors import UnknownSession
from webrtc_agent.visitor_queue import Hold

if TYPE_CHECKING:
    from agent_core.agents.agent import Agent
    from webrtc_agent.returning import ConversationPart

log = structlog.get_logger()

REMEMBERED_SECONDS = 600.0
"""How long a client may wait before it connects (its user may be asked for the microphone), and how long the end of a
session can be queried.
"""
MAX_VISITS = 2_000
"""Most idle sessions remembered, 10 KB each; beyond it the least recently used one is forgotten."""
CLOSE_SECONDS = 5.0
TIDY_SECONDS = 1.0
"""Time after the last visit for its connection to be closed."""


class State(StrEnum):
    """State of a visit."""

    WAITING = "waiting"
    ANSWERING = "answering"
    RUNNING = "running"
    FINISHED = "finished"


class ActiveConversation(Protocol):
    """A conversation with a visitor."""

    def end(self, reason: EndReason) -> None:
        """End it."""

    def use_text_only(self) -> None:
        """Send no audio until the visitor's page requests it."""


class WebSession:
    """One session from its start until it is forgotten."""

    def __init__(self, address: str = "", hold: Hold | None = None) -> None:
        self.web_session_id = uuid4().hex
        # The id itself grants access, and lines at INFO reach people who must not enter a conversation.
        self.log_id = sha256(self.web_session_id.encode()).hexdigest()[:16]
        self.address = address
        self.offers = 0
        self.state = State.WAITING
        self.conversation: ActiveConversation | None = None
        self.hold = hold
        """The slot that is reserved for a visitor from the queue."""
        self.consent: VisitorConsent | None = None
        self.details = ""
        """What the app said about its visitor; see `details.render`."""
        self.region = ""
        """Region whose units the visitor is used to, ISO 3166."""
        self.agent: Agent | None = None
        """The agent that the visitor talks with, in the version of the start."""
        self.part: ConversationPart | None = None
        """The part of a resumable conversation, if the client can resume."""
        self.text_only = False
        self.session_id = ""
        """The conversation's id in the log, once the visitor was connected to it."""

    def session_request(self, slot: Slot, details: str = "", region: str = "") -> SessionRequest:
        """Return what its conversation starts with; the offer takes precedence, as in Pipecat's own runner.

        Args:
            slot: Slot of the conversation.
            details: What the app says about its visitor, in the offer.
            region: Region whose units the visitor is used to, ISO 3166, in the offer.
        """
        if self.part is not None:
            return self.part.session_request(slot)
        return SessionRequest(
            "browser", slot, details=details or self.details, region=region or self.region, agent=self.agent
        )

    @property
    def agent_id(self) -> str:
        """Id of the agent; empty before it is chosen."""
        return "" if self.agent is None else self.agent.id

    def use_text_only(self) -> None:
        """Send no audio until the visitor's page requests it; also before the conversation exists."""
        self.text_only = True
        if self.conversation is not None:
            self.conversation.use_text_only()

    @property
    def is_idle(self) -> bool:
        """Whether no conversation is active in it."""
        return self.state in (State.WAITING, State.FINISHED)


class SessionRegistry:
    """All visits.

    Args:
        clock: Monotonic seconds.
        on_end: Called with the length of each conversation, in seconds.
    """

    def __init__(self, clock: Callable[[], float], on_end: Callable[[float], None] = lambda _: None) -> None:
        self._clock = clock
        self._on_end = on_end
        self._active: dict[str, WebSession] = {}
        self._idle: TTLCache[str, WebSession] = TTLCache(MAX_VISITS, REMEMBERED_SECONDS, timer=clock)
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, address: str = "") -> WebSession:
        """Create a visit for a client that will connect.

        Args:
            address: The client's address.
        """
        web_session = WebSession(address)
        self.move(web_session, State.WAITING)
        return web_session

    def move(self, web_session: WebSession, state: State) -> None:
        """Set the state of a visit: an idle one is remembered for a while from now, another for as long as it lasts."""
        web_session.state = state
        self._active.pop(web_session.web_session_id, None)
        self._idle.pop(web_session.web_session_id, None)
        if web_session.is_idle:
            self._idle[web_session.web_session_id] = web_session
        else:
            self._active[web_session.web_session_id] = web_session

    def find(self, web_session_id: str) -> WebSession:
        """Return a visit.

        Raises:
            UnknownSession: there is none, or it has been forgotten.
        """
        web_session = self._active.get(web_session_id) or self._idle.get(web_session_id)
        if web_session is None:
            raise UnknownSession("session")
        return web_session

    def running(self) -> list[WebSession]:
        """Return those with an active conversation."""
        return [web_session for web_session in self._active.values() if web_session.state is State.RUNNING]

    def carry(
        self,
        web_session: WebSession,
        conversation: ActiveConversation,
        run: Coroutine[Any, Any, object],
        abandon: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        """Run a visit's conversation to its end, in a separate task.

        Args:
            web_session: The visit.
            conversation: Can be requested to end.
            run: Runs it.
            abandon: Releases the resources of a conversation that a defect has ended; idempotent.
        """
        web_session.conversation = conversation
        self.move(web_session, State.RUNNING)
        task = asyncio.create_task(self._carry(web_session, run, abandon), name=f"visit-{web_session.web_session_id}")
        self._tasks.add(task)
        task.add_done_callback(partial(self._left, web_session, run, abandon))

    def _left(
        self,
        web_session: WebSession,
        run: Coroutine[Any, Any, object],
        abandon: Callable[[], Coroutine[Any, Any, None]] | None,
        task: asyncio.Task[None],
    ) -> None:
        self._tasks.discard(task)
        run.close()  # has no effect if it has run
        if not task.cancelled() and task.exception() is not None:
            self._finish(web_session)
            if abandon is not None:
                releasing = asyncio.create_task(abandon(), name=f"visit-{web_session.web_session_id}-abandoned")
                self._tasks.add(releasing)
                releasing.add_done_callback(self._tasks.discard)
        if not self._tasks:
            asyncio.get_running_loop().call_later(TIDY_SECONDS, self._tidy)

    def _tidy(self) -> None:
        # aiortc leaves each connection as a cycle of objects, whose codecs hold four threads until they are collected.
        # The interpreter would wait for more garbage; without visitors, a collection delays no one.
        if not self._tasks:
            gc.collect()

    async def _carry(
        self,
        web_session: WebSession,
        run: Coroutine[Any, Any, object],
        abandon: Callable[[], Coroutine[Any, Any, None]] | None,
    ) -> None:
        # Every line that the conversation logs from here on contains its visit.
        structlog.contextvars.bind_contextvars(web_session_id=web_session.log_id)
        began = self._clock()
        try:
            await run
        except Exception:
            log.exception("web_session_failed")
            if abandon is not None:
                await abandon()
        finally:
            self._finish(web_session)
            web_session.details, web_session.part = "", None
            self._on_end(self._clock() - began)

    def _finish(self, web_session: WebSession) -> None:
        web_session.conversation = None
        self.move(web_session, State.FINISHED)

    async def aclose(self) -> None:
        """End all active visits; bounded."""
        for web_session in self.running():
            if web_session.conversation is not None:
                web_session.conversation.end(EndReason.DRAINED)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)
        for task in self._tasks:
            task.cancel()
