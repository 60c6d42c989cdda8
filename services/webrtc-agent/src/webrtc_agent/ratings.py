"""Take visitors' ratings and comments, each once per conversation, also after it has ended.

The load balancer sends a request that follows minutes after the last one to any task, so a task stores a proof of each
conversation that it carries: who names the visit's id, which only its page has, may rate the conversation. A rating
is a number and goes to the log. A comment is what a person wrote: it goes into the store, and never into the log.
"""

import asyncio
import json
import re
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final, NamedTuple

import structlog
from cachetools import TTLCache

from agent_core.adapters.call_store.key_value_store import COMMENTS, RATED, KeyValueStore, StoredEntry, StoreFault
from agent_core.events import CallDetailRecord, Rating
from webrtc_agent.errors import AlreadyRated, NotRated, UnknownSession
from webrtc_agent.request_schemas import RatingRequest
from webrtc_agent.session_registry import WebSession
from webrtc_agent.settings import WebSettings

log = structlog.get_logger()

AFTER_SECONDS: Final = 3600.0
"""How long after the longest conversation it may be rated: the page stays open for a while."""
DAY_SECONDS: Final = 86_400.0
_DEADLINE: Final = 1.0
"""Seconds. Longest wait for the store, which answers within some milliseconds."""
_MOST: Final = 10_000
"""Ratings remembered in this process, 200 bytes each."""
_ID: Final = re.compile("[0-9a-f]{32}")
"""A visit's id. Anything else is not worth a request to the store."""


class Rateable(NamedTuple):
    """A conversation that may be rated.

    Attributes:
        session_id: Its id; empty if there is none.
        agent: Id of the agent that spoke; empty if another version stored it.
    """

    session_id: str
    agent: str = ""


_NONE: Final = Rateable("")


class Ratings:
    """The ratings of this service's conversations.

    Args:
        settings: What the operator asks for.
        shelf: Shared with other tasks; None keeps ratings in this process, and no comments.
        count: Called with each new rating.
        clock: Unix seconds.
    """

    def __init__(
        self,
        settings: WebSettings,
        shelf: KeyValueStore | None,
        count: Callable[[Rating], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._shelf = shelf
        self._count = count
        self._clock = clock
        self._seconds = settings.max_call_seconds + AFTER_SECONDS
        self._known: TTLCache[str, Rating] = TTLCache(_MOST, self._seconds, timer=clock)
        self._tasks: set[asyncio.Task[None]] = set()

    def expect(self, web_session: WebSession, session_id: str) -> None:
        """Allow a visit to rate its conversation from now on, here and at other tasks."""
        web_session.session_id = session_id
        if self._settings.ask_for_rating and self._shelf is not None:
            # Without a line break in either: ids are hexadecimal, and an agent's is the name of its folder.
            proof = StoredEntry(f"{session_id}\n{web_session.agent_id}".encode(), 0, self._clock() + self._seconds)
            # The conversation must not wait for the store.
            task = asyncio.create_task(self._prove(web_session, proof), name=f"rated-{web_session.log_id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def take(self, web_session_id: str, known: Rateable, given: RatingRequest) -> None:
        """Take a rating, or a comment that follows it.

        Args:
            web_session_id: Of the visit, as the client names it.
            known: The conversation of this visit, if this task knows it.
            given: The rating.

        Raises:
            NotRated: the operator does not ask for this.
            UnknownSession: no conversation belongs to this visit.
            AlreadyRated: there is nothing new in it.
            StoreFault: the comment could not be stored.
        """
        if not self._settings.ask_for_rating or (given.comment and not self._settings.asks_for_comment):
            raise NotRated("not_asked")
        rated = known if known.session_id else await self._find(web_session_id)
        session_id, agent = rated
        if not session_id:
            raise UnknownSession("session")
        # The comment first: if the store fails, the visitor can send both again.
        is_news = bool(given.comment) and await self._keep(rated, given)
        if await self._is_first(session_id):
            self._known[session_id] = given.rating
            self._count(given.rating)
            log.info("session_rated", session_id=session_id, rating=given.rating.value, agent=agent)
        elif not is_news:
            raise AlreadyRated("rated")

    def complete(self, record: CallDetailRecord) -> CallDetailRecord:
        """Add the rating to an end record that is written after it."""
        return replace(record, rating=self._known.get(record.session_id))

    async def aclose(self) -> None:
        """Finish what is being written; bounded by the deadline of the store."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2 * _DEADLINE)

    async def _prove(self, web_session: WebSession, proof: StoredEntry) -> None:
        if self._shelf is not None:
            await self._try("expect_rating", self._shelf.put(_proof(web_session.web_session_id), proof), None)

    async def _find(self, web_session_id: str) -> Rateable:
        """Return the conversation of a visit at another task."""
        if self._shelf is None or _ID.fullmatch(web_session_id) is None:
            return _NONE
        entry = await self._try("find_rated", self._shelf.get(_proof(web_session_id)), None)
        if entry is None:
            return _NONE
        session_id, _, agent = entry.sealed.decode().partition("\n")
        return Rateable(session_id, agent)

    async def _is_first(self, session_id: str) -> bool:
        if session_id in self._known:
            return False
        if self._shelf is None:
            return True
        marked = self._shelf.put_if_absent(f"{RATED}once/{session_id}", self._clock() + self._seconds)
        # A second rating of one visitor distorts less than losing every rating while the store is away.
        return await self._try("rate", marked, default=True)

    async def _keep(self, rated: Rateable, given: RatingRequest) -> bool:
        """Store a comment; return False if there is one already."""
        if self._shelf is None:
            raise NotRated("no_store")
        session_id, agent = rated
        key = f"{COMMENTS}{session_id}"
        now = self._clock()
        content = {"at": now, "session_id": session_id, "agent": agent, "rating": given.rating.value}
        content["comment"] = given.comment
        # Not encrypted, unlike conversations: the visitor wrote it for the operator, who reads it from the store.
        entry = StoredEntry(json.dumps(content).encode(), 0, now + self._settings.comment_retention_days * DAY_SECONDS)
        try:
            async with asyncio.timeout(_DEADLINE):
                if await self._shelf.get(key) is not None or not await self._shelf.put(key, entry):
                    return False
        except TimeoutError:
            raise StoreFault("timeout") from None
        log.info("comment_kept", session_id=session_id, agent=agent, characters=len(given.comment))
        return True

    async def _try[T, D](self, operation: str, work: Coroutine[Any, Any, T], default: D) -> T | D:
        try:
            async with asyncio.timeout(_DEADLINE):
                return await work
        except (StoreFault, TimeoutError) as error:
            reason = error.reason if isinstance(error, StoreFault) else "timeout"
            log.warning("call_store_failed", operation=operation, error=reason)
        return default


def _proof(web_session_id: str) -> str:
    # A digest, because the id itself grants access, and a reader of the store must not get it.
    return f"{RATED}{sha256(web_session_id.encode()).hexdigest()}"
