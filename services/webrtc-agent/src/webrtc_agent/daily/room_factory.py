"""Create a room for each visitor, with a token for each side."""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence

import structlog

from agent_core.agent_runtime import AgentRuntime
from agent_core.destinations import Destination
from agent_core.events import GOODBYE_SECONDS
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
"""Longest time from the visitor's request to the room: they learn of a failure within eight."""
_NAME_BYTES = 16


class Rooms:
    """Creates rooms and the conversations in them.

    Args:
        api: Daily's API.
        longest_seconds: Longest conversation.
        open_seconds: Longest time to create a room and its tokens.
        people_of: Returns which of an agent's people a visitor can contact.
    """

    def __init__(
        self,
        api: DailyApi,
        *,
        longest_seconds: float,
        open_seconds: float = OPEN_SECONDS,
        people_of: Callable[[Sequence[Destination]], Sequence[Contact]] = lambda _: (),
    ) -> None:
        self._api = api
        self._people_of = people_of
        self._open_seconds = open_seconds
        self._lifetime = VISITOR_SECONDS + longest_seconds + GOODBYE_SECONDS
        self._removal = RoomReaper(api)

    async def open(self) -> DailyRoom:
        """Create a room and both tokens; a failed step leaves no room behind.

        Raises:
            UpstreamError: Daily did not do it in time.
        """
        # Each unreleased client holds memory and threads, so no more are created until some are gone.
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
            people=self._people_of((session_request.agent or agent.agents.default).people),
            part=part,
        )

    async def delete(self, room: DailyRoom) -> None:
        """Delete an unused room; returns at once."""
        self._discard(room)

    async def aclose(self) -> None:
        """Delete what is left, and close the connections to Daily."""
        await self._removal.aclose()
        await self._api.aclose()

    def _discard(self, room: DailyRoom) -> None:
        self._removal.discard(room.name)

    async def _create(self, expires: int) -> tuple[str, str]:
        """Create a room with an unguessable name, new for each attempt: a lost response may have used the last."""
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
                # A room's owner may record it and eject others, which visitors must not.
                visitor, agent = token("Visitor", is_owner=False), token("Agent", is_owner=True)
        except* DailyFailed as failures:
            raise failures.exceptions[0] from None
        return visitor.result(), agent.result()
