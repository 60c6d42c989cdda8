"""A room for each visitor, with a token for each side."""

import asyncio
import secrets
import time
from collections.abc import Sequence

import structlog

from agent_core.agent_runtime import AgentRuntime
from agent_core.closing import GOODBYE_SECONDS
from agent_core.session_request import SessionRequest
from webrtc_agent.call_back import Contact
from webrtc_agent.daily import native
from webrtc_agent.daily.api import DailyApi
from webrtc_agent.daily.daily_errors import DailyFailed
from webrtc_agent.daily.retry import persist
from webrtc_agent.daily.room_reaper import RoomReaper
from webrtc_agent.daily.room_session import VISITOR_SECONDS, RoomSession
from webrtc_agent.daily.room_transport import RoomTransport
from webrtc_agent.returning import ConversationPart
from webrtc_agent.rooms import DailyRoom

log = structlog.get_logger()

OPEN_SECONDS = 7.0
"""Longest time from the visitor's request to the room: they hear of a failure within eight."""
_NAME_BYTES = 16


class Rooms:
    """Makes rooms and visits in them.

    Args:
        api: Of Daily.
        longest_seconds: Longest conversation.
        open_seconds: Longest time to make a room and its tokens.
        people: Whom a visitor can reach.
    """

    def __init__(
        self,
        api: DailyApi,
        *,
        longest_seconds: float,
        open_seconds: float = OPEN_SECONDS,
        people: Sequence[Contact] = (),
    ) -> None:
        self._api = api
        self._people = people
        self._open_seconds = open_seconds
        self._lifetime = VISITOR_SECONDS + longest_seconds + GOODBYE_SECONDS
        self._removal = RoomReaper(api)

    async def open(self) -> DailyRoom:
        """Make a room and both tokens; a failed step leaves no room behind.

        Raises:
            UpstreamError: Daily did not do it in time.
        """
        if native.is_overdue():
            raise DailyFailed("clients_not_released", again=False, in_doubt=False)
        deadline = asyncio.get_running_loop().time() + self._open_seconds
        expires = int(time.time() + self._lifetime)
        name, url = await persist("create", lambda: self._create(expires), deadline)
        try:
            visitor, agent = await self._tokens(name, expires, deadline)
        except BaseException:
            self._removal.discard(name)
            raise
        return DailyRoom(name, url, visitor_token=visitor, agent_token=agent)

    def web_session(
        self,
        agent: AgentRuntime,
        session_request: SessionRequest,
        room: DailyRoom,
        part: ConversationPart | None = None,
    ) -> RoomSession:
        """Prepare the conversation in a room."""
        return RoomSession(
            agent,
            session_request,
            lambda client_input: RoomTransport(room, client_input),
            lambda: self._discard(room),
            people=self._people,
            part=part,
        )

    async def delete(self, room: DailyRoom) -> None:
        """Delete a room in which nobody will talk; does not wait for it."""
        self._discard(room)

    async def aclose(self) -> None:
        """Delete what is left, and close the connections to Daily."""
        await self._removal.aclose()
        await self._api.aclose()

    def _discard(self, room: DailyRoom) -> None:
        self._removal.discard(room.name)

    async def _create(self, expires: int) -> tuple[str, str]:
        """Try with a name that nobody can guess, a new one each time: a lost answer may have taken the last."""
        name = secrets.token_urlsafe(_NAME_BYTES)
        try:
            return name, await self._api.create_room(name, expires)
        except BaseException as error:
            if not isinstance(error, DailyFailed) or error.in_doubt:
                self._removal.discard(name)
            raise

    async def _tokens(self, name: str, expires: int, deadline: float) -> tuple[str, str]:
        def token(user_name: str, *, is_owner: bool) -> asyncio.Task[str]:
            return group.create_task(
                persist(
                    "token",
                    lambda: self._api.make_token(name, expires, user_name=user_name, is_owner=is_owner),
                    deadline,
                )
            )

        try:
            async with asyncio.TaskGroup() as group:
                # Whoever owns a room may record it and put others out: that is not for visitors.
                visitor, agent = token("Visitor", is_owner=False), token("Agent", is_owner=True)
        except* DailyFailed as failures:
            raise failures.exceptions[0] from None
        return visitor.result(), agent.result()
