"""What all visitors of this process share, and how they are let in."""

import time

import structlog

from agent_core.adapters.call_store.key_value_store import KeyValueStore
from agent_core.admission import Slot
from agent_core.agent_runtime import AgentRuntime
from agent_core.events import VisitorConsent
from webrtc_agent import ice
from webrtc_agent.arrivals import Arrivals, ExpectedArrival
from webrtc_agent.call_back import contacts
from webrtc_agent.errors import SessionOver, SessionTaken, UnknownSession
from webrtc_agent.limits import StartLimit
from webrtc_agent.notice import Notice
from webrtc_agent.origin import AllowedOrigins
from webrtc_agent.peer_session import PeerSession
from webrtc_agent.queue_turns import QueueTurns
from webrtc_agent.request_schemas import Candidate, OfferRequest, ResumeRequest
from webrtc_agent.returning import ConversationPart, Returns
from webrtc_agent.rooms import DailyRoom, DailyRooms
from webrtc_agent.session_registry import SessionRegistry, State, WebSession
from webrtc_agent.settings import WebSettings
from webrtc_agent.start import PLAIN, StartChoice
from webrtc_agent.visitor_queue import Hold

log = structlog.get_logger()

CONNECTING_SECONDS = 3.0
"""A network that lets a peer-to-peer connection through does so within two."""
JOINING_SECONDS = 15.0
"""Some clients ask for the microphone after they were given a room."""
MIN_ARRIVALS = 4
"""Visitors who may be on their way at a time where there are fewer places."""
MAX_OFFERS = 3
"""Offers that cannot be answered, of one visit."""


class WebService:
    """The web service's parts, made once.

    Args:
        settings: Of the web service.
        agent: What all conversations share.
        rooms: Daily's rooms, where sound travels through Daily.
        shelf: Where conversations are remembered for other tasks; None where there is none.
    """

    def __init__(
        self,
        settings: WebSettings,
        agent: AgentRuntime,
        rooms: DailyRooms | None = None,
        shelf: KeyValueStore | None = None,
    ) -> None:
        self.settings = settings
        self.agent = agent
        self.rooms = rooms
        self.origins = AllowedOrigins(settings.base_url, settings.allowed_origins)
        starts = StartLimit(settings.starts_per_minute_per_address, settings.starts_per_minute, time.monotonic)
        self.turns = QueueTurns(settings, agent.admission, starts)
        self.notice = Notice.of(settings)
        self.arrivals = Arrivals(
            max(MIN_ARRIVALS, settings.max_sessions), settings.arrivals_per_address, time.monotonic
        )
        self.visits = SessionRegistry(time.monotonic, self.turns.queue.talked)
        self.people = contacts(settings)
        self.returns = Returns(agent, shelf, settings.resume_seconds, settings.max_call_seconds)

    @property
    def transports(self) -> list[str]:
        """How sound travels here."""
        return ["webrtc"] if self.rooms is None else ["daily"]

    async def expect(self, address: str, start: StartChoice = PLAIN) -> WebSession:
        """Begin a visit whose client will make an offer.

        Args:
            address: Where the client comes from.
            start: What else the client has said.

        Raises:
            Refused: every place is taken, it is not this visitor's turn, or this task takes nothing new; or there is
                nothing to come back to.
            TooOften: this network has started enough.
        """
        consent = self.notice.accept(start.consent)
        part = await self._claimed(address, start.resume)
        if part is not None:
            return self._begin(address, start, consent, part)
        async with self.turns.turn(address, start.asking) as hold:
            visit = self._begin(address, start, consent, self._new_part(start))
            visit.hold = hold
        return visit

    def _begin(
        self, address: str, start: StartChoice, consent: VisitorConsent | None, part: ConversationPart | None
    ) -> WebSession:
        visit = self.visits.begin(address)
        visit.details, visit.region, visit.consent, visit.part = start.details, start.region, consent, part
        return visit

    def _new_part(self, start: StartChoice) -> ConversationPart | None:
        """Begin a conversation that the visitor may come back to; None where they cannot."""
        if start.resume is None or not self.returns.seconds:
            return None
        return self.returns.begin(start.details, start.region)

    async def _claimed(self, address: str, resume: ResumeRequest | None) -> ConversationPart | None:
        """Claim the next part of a conversation; None for a visitor who does not come back.

        A visitor who comes back has started before: that start is not counted again, unless the token is a guess.
        """
        if resume is None or resume.token is None or not self.returns.seconds:
            return None
        await self.agent.admission.prepare()
        try:
            return await self.returns.claim(resume.token, resume.attempt, self.agent.admission.check)
        except (UnknownSession, SessionTaken, SessionOver):
            self.turns.starts.count(address)
            raise

    async def open_room(
        self, rooms: DailyRooms, address: str, start: StartChoice = PLAIN
    ) -> tuple[WebSession, DailyRoom]:
        """Begin a visit in a room of its own, with the agent on its way there.

        Raises:
            Refused: not now; or there is nothing to come back to.
            TooOften: this network has started enough.
            UpstreamError: Daily did not make a room.
        """
        consent = self.notice.accept(start.consent)
        part = await self._claimed(address, start.resume)
        if part is not None:
            visit = self._begin(address, start, consent, part)
            return visit, await self._enter_room(rooms, visit)
        async with self.turns.turn(address, start.asking) as hold:
            visit = self._begin(address, start, consent, self._new_part(start))
            visit.hold = hold
            return visit, await self._enter_room(rooms, visit)

    async def _enter_room(self, rooms: DailyRooms, visit: WebSession) -> DailyRoom:
        place: Slot | None = None
        room: DailyRoom | None = None
        try:
            arrival, place = self._expect_arrival(visit.address, JOINING_SECONDS, visit.hold)
            room = await rooms.open()
            daily = rooms.visit(self.agent, visit.opening(place), room, visit.part)
            if visit.consent is not None:
                daily.agreed(visit.consent)
            arrival.when_displaced(daily.give_up)
            self.visits.carry(visit, daily, daily.run())
        except BaseException:
            visit.state = State.FINISHED
            if place is not None:
                place.release()
            if room is not None:
                await rooms.delete(room)
            raise
        return room

    async def answer_new(self, address: str, offer: OfferRequest) -> tuple[WebSession, dict[str, str]]:
        """Begin a visit with its offer.

        Args:
            address: Where the client comes from.
            offer: The first of this client.

        Raises:
            Refused: there is no place.
            TooOften: this network has started enough.
            MalformedOffer: the offer cannot be answered.
        """
        consent = self.notice.accept(offer.consent)
        async with self.turns.turn(address):
            arrival, place = self._expect_arrival(address, CONNECTING_SECONDS)
            try:
                visit = self.visits.begin(address)
                visit.consent = consent
                return visit, await self._answer_first(visit, offer, arrival, place)
            except BaseException:
                place.release()
                raise

    async def answer(self, visit: WebSession, offer: OfferRequest) -> dict[str, str]:
        """Answer an offer: the first of a visit, or a further one of the same client.

        Raises:
            Refused: another client talks here, the visit is over, or there is no place.
            TooOften: the client makes offer after offer.
            MalformedOffer: the offer cannot be answered.
        """
        await self.agent.admission.prepare()
        match visit.state, visit.conversation:
            case State.WAITING, _:
                arrival, place = self._expect_arrival(visit.address, CONNECTING_SECONDS, visit.hold)
                try:
                    return await self._answer_first(visit, offer, arrival, place)
                except BaseException:
                    place.release()
                    raise
            case State.RUNNING, PeerSession() as peer if offer.pc_id == peer.pc_id:
                await peer.renegotiate(offer)
                return self._description(peer)
            case State.FINISHED, _:
                raise SessionOver("over")
            case _:
                raise SessionTaken("taken")

    async def _answer_first(
        self, visit: WebSession, offer: OfferRequest, arrival: ExpectedArrival, place: Slot
    ) -> dict[str, str]:
        visit.state = State.ANSWERING
        visit.offers += 1
        peer: PeerSession | None = None
        try:
            opening = visit.opening(place, offer.details, offer.region)
            peer = await PeerSession.answer(self.agent, opening, offer, self.people, visit.part)
            if visit.text_only:
                peer.use_text_only()
            if visit.consent is not None:
                peer.agreed(visit.consent)
            answer = self._description(peer)
            arrival.when_displaced(peer.give_up)
        except BaseException:
            visit.state = State.WAITING if visit.offers < MAX_OFFERS else State.FINISHED
            place.release()
            if peer is not None:
                await peer.discard()
            raise
        try:
            self.visits.carry(visit, peer, peer.run(), peer.abandon)
        except BaseException:
            visit.state = State.FINISHED
            await peer.abandon()
            raise
        return answer

    def _expect_arrival(self, address: str, patience: float, hold: Hold | None = None) -> tuple[ExpectedArrival, Slot]:
        """Expect a visitor, who takes the place when they are there.

        Raises:
            Refused: every place is taken, or too many are on their way.
        """
        self.turns.check(hold)
        arrival = self.arrivals.expect(address, patience)

        def settled() -> None:
            arrival.settle()
            if hold is not None:
                hold.settle()

        try:
            return arrival, self.agent.admission.promise(settled)
        except BaseException:
            arrival.settle()
            raise

    def _description(self, peer: PeerSession) -> dict[str, str]:
        answer = peer.description
        return answer | {"sdp": ice.advertise(answer["sdp"], self.settings.ice_advertised_hosts)}

    def of_connection(self, pc_id: str) -> WebSession:
        """Find the visit that a connection belongs to.

        Raises:
            UnknownSession: there is none.
        """
        for visit in self.visits.running():
            if isinstance(visit.conversation, PeerSession) and visit.conversation.pc_id == pc_id:
                return visit
        raise UnknownSession("connection")

    async def add_candidates(self, visit: WebSession, pc_id: str, candidates: list[Candidate]) -> None:
        """Take network addresses of a visit's client.

        Raises:
            UnknownSession: no such connection is part of it.
            MalformedOffer: what came is no address.
        """
        peer = visit.conversation
        if not isinstance(peer, PeerSession) or peer.pc_id != pc_id:
            raise UnknownSession("connection")
        await peer.add(candidates)

    async def aclose(self) -> None:
        """End all visits and release what the lobby holds."""
        await self.visits.aclose()
        await self.returns.aclose()
        if self.rooms is not None:
            await self.rooms.aclose()
