"""Run one visitor's peer-to-peer session: the connection on one side, the conversation on the other."""

import asyncio
import time
from collections.abc import Callable, Sequence

from agent_core.agent_runtime import AgentRuntime
from agent_core.conversation.session import Session
from agent_core.errors import AtCapacity
from agent_core.events import CallDetailRecord, EndReason, SessionStats, VisitorConsent
from agent_core.session_request import AudioRoute, SessionRequest
from agent_core.token_bucket import TokenBucket
from webrtc_agent import connection
from webrtc_agent.call_back import CallBackCard, Contact
from webrtc_agent.client_input import ClientInput
from webrtc_agent.connection import CONNECT_SECONDS, AudioOnlyConnection
from webrtc_agent.end_messages import farewell
from webrtc_agent.errors import MalformedOffer, SessionOver
from webrtc_agent.limits import TooOften
from webrtc_agent.peer_liveness import PeerLiveness
from webrtc_agent.rates import INPUT_RATE, OUTPUT_RATE
from webrtc_agent.request_schemas import Candidate, OfferRequest
from webrtc_agent.returning import ConversationPart
from webrtc_agent.transport import VisitorTransport

WAY_TO_EAR = 0.4
"""Seconds: Pipecat's track holds 40 ms, a browser's jitter buffer 40 to 200."""
OFFERS = 6
"""Further offers that a client may send at once: it tries three times to restore its connection."""
OFFER_SECONDS = 10
"""Time until it may send another."""
BUSY_SECONDS = 1.0
"""Time for the data channel, which opens after the audio, to report that every slot is taken."""


class PeerSession:
    """Answers an offer, then runs one conversation.

    Args:
        agent: What all conversations share.
        session_request: What the conversation starts with. Its slot is taken when the visitor is connected, and
            returned when the conversation is over.
        sound: Has answered an offer.
        people: People that the visitor can contact.
        part: Part of a conversation to which the visitor may return; None if their client cannot.
    """

    def __init__(
        self,
        agent: AgentRuntime,
        session_request: SessionRequest,
        sound: AudioOnlyConnection,
        people: Sequence[Contact] = (),
        part: ConversationPart | None = None,
    ) -> None:
        self._slot = session_request.slot
        self.on_connected: Callable[[str], None] = lambda _: None
        """Called once with the conversation's id when the visitor is connected."""
        self._part = part
        self._connection = sound
        self._offers = TokenBucket(time.monotonic, OFFERS, 1 / OFFER_SECONDS)
        self._client_input = client_input = ClientInput(sound.send_app_message)
        self._watch = PeerLiveness(time.monotonic, CONNECT_SECONDS)
        transport = VisitorTransport(sound, self._hear, client_input.accept_message, lambda: client_input.text_only)
        media = AudioRoute(
            INPUT_RATE,
            OUTPUT_RATE,
            source=transport.input(),
            sink=transport.output(),
            way_to_ear=WAY_TO_EAR,
            before_end=self._say_why,
            people=CallBackCard(people, sound.send_app_message),
        )
        self._session = client_input.session = Session(agent, session_request, media, SessionStats())
        if part is not None:
            part.begin(self._session, self._session.stats, self._was_quiet)
            client_input.on_leave = part.left
        transport.add_event_handler("on_client_connected", self._connected)
        transport.add_event_handler("on_client_disconnected", self._left)

    @classmethod
    async def answer(
        cls,
        agent: AgentRuntime,
        session_request: SessionRequest,
        offer: OfferRequest,
        people: Sequence[Contact],
        part: ConversationPart | None,
    ) -> "PeerSession":
        """Return a peer that has answered an offer.

        Raises:
            MalformedOffer: it cannot be answered; everything has been released.
        """
        sound = await connection.answer(offer)
        try:
            return cls(agent, session_request, sound, people, part)
        except BaseException:
            await connection.close(sound)
            raise

    async def discard(self) -> None:
        """Close the connection of a peer that never ran; its creator returns the slot. Idempotent."""
        if self._part is not None:
            self._part.withdraw()
        await connection.close(self._connection)

    async def abandon(self) -> None:
        """Release what ``run`` has not because of a defect, and record it; idempotent."""
        await connection.close(self._connection)
        await self._session.abandon()

    @property
    def pc_id(self) -> str:
        """The connection's name; a restarted connection gets another."""
        return self._connection.pc_id

    @property
    def description(self) -> dict[str, str]:
        """The answer in the form that clients expect.

        Raises:
            MalformedOffer: there is none.
        """
        answer: dict[str, str] | None = self._connection.get_answer()  # type: ignore[no-untyped-call]
        if answer is None:
            raise MalformedOffer("no_answer")
        return answer

    async def renegotiate(self, offer: OfferRequest) -> None:
        """Answer another offer of the same client.

        Raises:
            SessionOver: the conversation is ending; its connection may be open for a moment longer.
            TooOften: even an unstable connection does not break that often.
            MalformedOffer: it cannot be answered.
        """
        if self._session.is_over:
            raise SessionOver("over")
        if not self._offers.spend():
            raise TooOften("offers of a session", OFFER_SECONDS)
        await connection.answer_again(self._connection, offer)

    async def add(self, candidates: list[Candidate]) -> None:
        """Try further ICE candidates of the client.

        Raises:
            MalformedOffer: one of them is invalid.
        """
        await connection.add(self._connection, candidates)

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
        """Run the conversation; return its record when everything has been released."""
        watching = asyncio.create_task(self._keep_watch(), name=f"watch-{self.pc_id}")
        try:
            return await self._session.run()
        finally:
            watching.cancel()
            await connection.close(self._connection)

    async def _keep_watch(self) -> None:
        # Polled: neither aiortc nor Pipecat reports the end of a silent connection.
        while not self._watch.is_lost(connected=self._connection.is_connected()):  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.5)
        self._session.end(self._lost())

    def give_up(self) -> None:
        """Stop waiting for the visitor."""
        self._session.end(self._lost())

    def _lost(self) -> EndReason:
        return EndReason.MEDIA_DISCONNECTED if self._watch.was_connected else EndReason.NEVER_CONNECTED

    def _was_quiet(self) -> bool:
        sounded_at = self._session.sounded_at
        read = self._client_input.text_only  # text arrives at once
        heard_out = read or sounded_at is None or sounded_at + WAY_TO_EAR < self._watch.there_at
        return heard_out and not self._session.owes_answer

    def _hear(self, pcm: bytes) -> None:
        self._watch.heard()
        self._client_input.hear(pcm)

    async def _connected(self, _transport: object, _client: object) -> None:
        self._watch.connected()
        await self._slot.prepare()
        try:
            self._slot.take()
        except AtCapacity:
            # The page must learn the reason over the data channel, which opens a little later.
            asyncio.get_running_loop().call_later(BUSY_SECONDS, self._session.end, EndReason.NEVER_CONNECTED)
        else:
            if self._part is not None:
                self._part.connected()
            self._session.connected()
            self.on_connected(self._session.session_id)

    async def _left(self, _transport: object, _client: object) -> None:
        # A closed page and a lost network look alike here, except for the time since the last sign of life.
        left = self._watch.has_left(connected=self._connection.is_connected())
        self._session.end(EndReason.CALLER_HUNG_UP if left else self._lost())

    def _say_why(self, reason: EndReason) -> None:
        goes_on = self._part is not None and self._part.may_go_on(reason)
        message = farewell(reason, self._session.sentences, goes_on=goes_on)
        if message is not None:
            self._connection.send_app_message(message)
