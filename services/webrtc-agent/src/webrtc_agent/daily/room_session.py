"""Run the agent's side of one room."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from agent_core.agent_runtime import AgentRuntime
from agent_core.conversation.session import Session
from agent_core.errors import AtCapacity
from agent_core.events import CallDetailRecord, EndReason, SessionStats, VisitorConsent
from agent_core.session_request import AudioRoute, SessionRequest
from webrtc_agent.call_back import CallBackCard, Contact
from webrtc_agent.client_input import ClientInput
from webrtc_agent.daily.room_transport import RoomTransport
from webrtc_agent.end_messages import farewell
from webrtc_agent.rates import INPUT_RATE, OUTPUT_RATE
from webrtc_agent.returning import ConversationPart

log = structlog.get_logger()

JOIN_SECONDS = 20.0
"""Longest time for the agent to join. Daily's own client gives up after 19 s when its servers are unreachable."""
VISITOR_SECONDS = 60.0
"""Longest wait for the visitor, whose browser may ask for the microphone first."""
WAY_TO_EAR = 0.5
"""Seconds: Daily's server between the two, and a browser's jitter buffer of 40 to 200 ms."""

NOTICED_SECONDS = 15.0
"""Longest time from the loss of a visitor's network until Daily reports it."""


class RoomSession:
    """Waits for the visitor, then runs one conversation.

    Args:
        agent: What all conversations share.
        session_request: What the conversation starts with. Its slot is taken when the visitor is connected, and
            returned when the conversation is over.
        connect: Creates the transport.
        discard: Called at the end, to delete the room.
        people: People that the visitor can contact.
        part: Part of a conversation to which the visitor may return; None if their client cannot.
    """

    def __init__(  # noqa: PLR0913 - made in one place
        self,
        agent: AgentRuntime,
        session_request: SessionRequest,
        connect: Callable[[ClientInput], RoomTransport],
        discard: Callable[[], None],
        *,
        people: Sequence[Contact] = (),
        part: ConversationPart | None = None,
    ) -> None:
        self._part = part
        self._client_input = client_input = ClientInput(self._tell)
        self._slot = session_request.slot
        self.on_connected: Callable[[str], None] = lambda _: None
        """Called once with the conversation's id when the visitor is connected."""
        self._discard = discard
        self._joined = asyncio.Event()
        self._telling: set[asyncio.Task[None]] = set()
        self._transport = transport = connect(client_input)
        media = AudioRoute(
            INPUT_RATE,
            OUTPUT_RATE,
            source=transport.input(),
            sink=transport.output(),
            way_to_ear=WAY_TO_EAR,
            before_end=self._say_why,
            people=CallBackCard(people, self._tell),
        )
        self._session = client_input.session = Session(agent, session_request, media, SessionStats())
        if part is not None:
            part.begin(self._session, self._session.stats, self._was_quiet)
            client_input.on_leave = part.left
        transport.add_event_handler("on_joined", self._entered)
        transport.add_event_handler("on_client_connected", self._came)
        transport.add_event_handler("on_client_disconnected", self._left)
        transport.add_event_handler("on_error", self._failed)

    def give_up(self) -> None:
        """Stop waiting for the visitor."""
        self._session.end(EndReason.NEVER_CONNECTED)

    def agreed(self, consent: VisitorConsent) -> None:
        """Record what the visitor agreed to, for the end record."""
        self._session.consent = consent

    def end(self, reason: EndReason) -> None:
        """End the conversation."""
        self._session.end(reason)

    def use_text_only(self) -> None:
        """Send no audio until the visitor's page requests it."""
        self._client_input.text_only = True

    async def run(self) -> CallDetailRecord:
        """Join, converse, leave; return the record when everything but the room has been released."""
        waiting = asyncio.create_task(self._wait_for_both(), name="room-waiting")
        try:
            return await self._session.run()
        finally:
            waiting.cancel()
            self._discard()
            await self._transport.let_go()

    async def _wait_for_both(self) -> None:
        waits_for = "agent_not_joined"
        try:
            async with asyncio.timeout(JOIN_SECONDS):
                await self._joined.wait()
            waits_for = "visitor_not_joined"
            async with asyncio.timeout(VISITOR_SECONDS):
                await self._session.somebody_there()
        except TimeoutError:
            log.warning(waits_for, session_id=self._session.session_id)
            self._session.end(EndReason.NEVER_CONNECTED if self._joined.is_set() else EndReason.MEDIA_DISCONNECTED)

    async def _entered(self, _transport: object, _joined: object) -> None:
        self._joined.set()

    async def _came(self, _transport: object, _participant: object) -> None:
        # The slot is taken only now, because a visitor may never come.
        await self._slot.prepare()
        try:
            self._slot.take()
        except AtCapacity:
            self._session.end(EndReason.NEVER_CONNECTED)
        else:
            if self._part is not None:
                self._part.connected()
            self._session.connected()
            self.on_connected(self._session.session_id)

    async def _left(self, _transport: object, _participant: object) -> None:
        self._session.end(EndReason.CALLER_HUNG_UP)

    async def _failed(self, _transport: object, _error: object) -> None:
        """End: the agent could not join, or was ejected. Pipecat itself would stay for minutes."""
        log.warning("daily_call_failed", session_id=self._session.session_id, joined=self._joined.is_set())
        self._session.end(EndReason.MEDIA_DISCONNECTED)

    def _was_quiet(self) -> bool:
        """Return whether the visitor missed nothing: Daily reports a loss seconds after it happened."""
        sounded_at = self._session.sounded_at
        read = self._client_input.text_only  # text arrives at once
        heard_out = read or sounded_at is None or time.monotonic() - sounded_at > NOTICED_SECONDS
        return heard_out and not self._session.owes_answer

    def _say_why(self, reason: EndReason) -> None:
        goes_on = self._part is not None and self._part.may_go_on(reason)
        message = farewell(reason, self._session.sentences, goes_on=goes_on)
        if message is not None and self._joined.is_set():
            self._tell(message)

    def _tell(self, message: dict[str, Any]) -> None:
        telling = asyncio.create_task(self._transport.tell(message), name="room-telling")
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)
