"""Define what the web service requires of Daily; ``webrtc_agent.daily`` implements it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from agent_core.agent_runtime import AgentRuntime
from agent_core.events import CallDetailRecord, EndReason, VisitorConsent
from agent_core.session_request import SessionRequest
from webrtc_agent.returning import ConversationPart


@dataclass(frozen=True, slots=True)
class DailyRoom:
    """A private room with a token for each side. A token admits anyone who has it."""

    name: str
    url: str
    visitor_token: str = field(repr=False)
    agent_token: str = field(repr=False)


class DailySession(Protocol):
    """The agent's side of one room."""

    on_connected: Callable[[str], None]
    """Called once with the conversation's id when the visitor is connected."""

    def give_up(self) -> None:
        """Stop waiting for the visitor."""

    def agreed(self, consent: VisitorConsent) -> None:
        """Record what the visitor agreed to, for the end record."""

    def end(self, reason: EndReason) -> None:
        """End the conversation."""

    def use_text_only(self) -> None:
        """Send no audio until the visitor's page requests it."""

    async def run(self) -> CallDetailRecord:
        """Join, converse, leave, delete the room. The slot is returned in any case."""


class DailyRooms(Protocol):
    """Creates rooms."""

    async def open(self) -> DailyRoom:
        """Create a room and both tokens within 8 s; a failed step leaves no room behind.

        Raises:
            UpstreamError: Daily did not do it.
        """

    def web_session(
        self,
        agent: AgentRuntime,
        session_request: SessionRequest,
        room: DailyRoom,
        part: ConversationPart | None = None,
    ) -> DailySession:
        """Prepare the conversation in a room; the room is deleted after it has run.

        Args:
            agent: What all conversations share.
            session_request: What the conversation starts with; its slot is released when the conversation is over.
            room: The room.
            part: Part of a conversation to which the visitor may return; None if their client cannot.
        """

    async def delete(self, room: DailyRoom) -> None:
        """Delete an unused room; never raises."""

    async def aclose(self) -> None:
        """Close connections to Daily."""
