"""Hold what all visitors of this process share, and admit them."""

import time
from functools import partial

import structlog

from agent_core.adapters.call_store.key_value_store import KeyValueStore
from agent_core.admission import Slot
from agent_core.agent_runtime import AgentRuntime
from agent_core.agents.agent import Agent
from agent_core.agents.catalogue import UnknownAgent
from agent_core.errors import OverBudget
from agent_core.events import VisitorConsent
from webrtc_agent import ice
from webrtc_agent.agent_page import no_such_agent
from webrtc_agent.arrivals import Arrivals, ExpectedArrival
from webrtc_agent.call_back import Contact, contacts
from webrtc_agent.call_me import CallMe
from webrtc_agent.errors import NoSuchAgent, NotOffered, SessionOver, SessionTaken, UnknownSession
from webrtc_agent.limits import StartLimit
from webrtc_agent.notice import Notice
from webrtc_agent.origin import AllowedOrigins
from webrtc_agent.peer_session import PeerSession
from webrtc_agent.queue_turns import QueueTurns
from webrtc_agent.ratings import Rateable, Ratings
from webrtc_agent.request_schemas import CallMeRequest, Candidate, OfferRequest, RatingRequest, ResumeRequest
from webrtc_agent.returning import ConversationPart, Returns
from webrtc_agent.rooms import DailyRoom, DailyRooms
from webrtc_agent.session_registry import SessionRegistry, State, WebSession
from webrtc_agent.settings import WebSettings
from webrtc_agent.start import PLAIN, StartChoice
from webrtc_agent.visitor_queue import Hold

log = structlog.get_logger()

CONNECTING_SECONDS = 3.0
"""A network that permits a peer-to-peer connection establishes it within two."""
JOINING_SECONDS = 15.0
"""Some clients request the microphone only after they have received a room."""
MIN_ARRIVALS = 4
"""Most visitors who may be connecting at a time if there are fewer slots."""
MAX_OFFERS = 3
"""Most unusable offers of one visit."""


class WebService:
    """The web service's parts, made once.

    Args:
        settings: Of the web service.
        agent: What all conversations share.
        rooms: Daily's rooms, if audio travels through Daily.
        shelf: Where conversations are stored for other tasks; None if there is no store.
        call_me: Calls visitors who ask for it; None if they cannot.
    """

    def __init__(
        self,
        settings: WebSettings,
        agent: AgentRuntime,
        rooms: DailyRooms | None = None,
        shelf: KeyValueStore | None = None,
        call_me: CallMe | None = None,
    ) -> None:
        self.settings = settings
        self.agent = agent
        self.agents = agent.agents
        """What visitors can talk with."""
        self.rooms = rooms
        self._call_me = call_me
        self.origins = AllowedOrigins(settings.base_url, settings.allowed_origins)
        starts = StartLimit(
            settings.rate_limit_starts_per_minute_per_address, settings.rate_limit_starts_per_minute, time.monotonic
        )
        self.turns = QueueTurns(settings, agent.admission, starts)
        self.arrivals = Arrivals(
            max(MIN_ARRIVALS, settings.max_sessions), settings.arrivals_per_address, time.monotonic
        )
        self.registry = SessionRegistry(time.monotonic, self.turns.queue.talked)
        self.ratings = Ratings(settings, shelf, agent.counting.rated)
        agent.complete = self.ratings.complete
        self.returns = Returns(agent, shelf, settings.resume_seconds, settings.max_call_seconds)

    @property
    def transports(self) -> list[str]:
        """The transports that this service offers."""
        return ["webrtc"] if self.rooms is None else ["daily"]

    def people(self, agent: Agent | None = None) -> tuple[Contact, ...]:
        """Return the people that a visitor of an agent can contact; None is the default agent."""
        return contacts(self.settings, (agent or self.agents.default).people)

    async def notice(self, agent: str | None = None) -> Notice:
        """Return what a visitor of an agent is shown; of the default one, if no agent has this name."""
        agents = await self.agents.refreshed()
        try:
            found = agents.named(agent or "")
        except UnknownAgent:
            found = agents.default
        # Made anew each time, in some microseconds: a folder may change while this service runs.
        return Notice.of(self.settings, found)

    async def chosen(self, agent: str | None) -> Agent:
        """Return the agent that a client names, or the default one, as its folder is now.

        Raises:
            NoSuchAgent: there is none of that name.
        """
        agents = await self.agents.refreshed()
        try:
            return agents.named(agent or "")
        except UnknownAgent:
            raise NoSuchAgent(no_such_agent(agents)) from None

    async def call_visitor(self, address: str, wanted: CallMeRequest) -> None:
        """Call a visitor who asks for it.

        Args:
            address: The client's address.
            wanted: Their number, and the version of the notice that they have seen.

        Raises:
            NotOffered: visitors are not called here.
            OverBudget: the daily budget is spent.
            ProtocolError: the number cannot be called.
            PermissionRefused: the visitor has not agreed to the notice, or a limit is reached.
            UpstreamError: the call could not be placed.
        """
        if self._call_me is None:
            raise NotOffered("call-me")
        (await self.notice(wanted.agent)).accept(wanted.consent)
        # The phone service has a budget of its own, and would answer the call only to refuse it.
        if self.agent.admission.is_over_budget:
            raise OverBudget("call-me")
        await self._call_me.ask(address, wanted.number)

    async def expect(self, address: str, start: StartChoice = PLAIN) -> WebSession:
        """Begin a visit whose client will send an offer.

        Args:
            address: The client's address.
            start: What else the client has sent.

        Raises:
            Refused: every slot is taken, other visitors come first, or this task is draining; or there is no
                conversation to resume.
            TooOften: this network has started enough sessions.
        """
        consent = (await self.notice(start.agent)).accept(start.consent)
        # A returning visitor has waited before, so the queue does not apply, and keeps their agent.
        part = await self._claimed(address, start.resume)
        if part is not None:
            return self._begin(address, start, consent, part, part.agent)
        agent = await self.chosen(start.agent)
        async with self.turns.turn(address, start.asking) as hold:
            web_session = self._begin(address, start, consent, self._new_part(start, agent), agent)
            web_session.hold = hold
        return web_session

    def _begin(
        self,
        address: str,
        start: StartChoice,
        consent: VisitorConsent | None,
        part: ConversationPart | None,
        agent: Agent,
    ) -> WebSession:
        web_session = self.registry.begin(address)
        web_session.details, web_session.region, web_session.consent = start.details, start.region, consent
        web_session.part, web_session.agent = part, agent
        return web_session

    def _new_part(self, start: StartChoice, agent: Agent) -> ConversationPart | None:
        """Start a conversation to which the visitor may return; None if their client cannot."""
        if start.resume is None or not self.returns.seconds:
            return None
        return self.returns.begin(start.details, start.region, agent)

    async def _claimed(self, address: str, resume: ResumeRequest | None) -> ConversationPart | None:
        """Claim the next part of a conversation; return None for a visitor who does not return.

        A returning visitor's start was counted before and is not counted again, unless the token is a guess.
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
            Refused: not now; or there is no conversation to resume.
            TooOften: this network has started enough sessions.
            UpstreamError: Daily did not create a room.
        """
        consent = (await self.notice(start.agent)).accept(start.consent)
        part = await self._claimed(address, start.resume)
        if part is not None:
            web_session = self._begin(address, start, consent, part, part.agent)
            return web_session, await self._enter_room(rooms, web_session)
        agent = await self.chosen(start.agent)
        async with self.turns.turn(address, start.asking) as hold:
            web_session = self._begin(address, start, consent, self._new_part(start, agent), agent)
            web_session.hold = hold
            return web_session, await self._enter_room(rooms, web_session)

    async def _enter_room(self, rooms: DailyRooms, web_session: WebSession) -> DailyRoom:
        slot: Slot | None = None
        room: DailyRoom | None = None
        try:
            # Counted before Daily is called: creating a room takes up to seconds.
            arrival, slot = self._expect_arrival(web_session.address, JOINING_SECONDS, web_session.hold)
            room = await rooms.open()
            daily = rooms.web_session(self.agent, web_session.session_request(slot), room, web_session.part)
            daily.on_connected = partial(self.ratings.expect, web_session)
            if web_session.consent is not None:
                daily.agreed(web_session.consent)
            # A visitor who was displaced meanwhile is given up at once, so the session must be complete here.
            arrival.when_displaced(daily.give_up)
            self.registry.carry(web_session, daily, daily.run())
        except BaseException:
            # After a cancellation too: a client that disconnects must not keep a slot, and Daily charges for rooms.
            self.registry.move(web_session, State.FINISHED)
            if slot is not None:
                slot.release()
            if room is not None:
                await rooms.delete(room)
            raise
        return room

    async def answer_new(self, address: str, offer: OfferRequest) -> tuple[WebSession, dict[str, str]]:
        """Begin a visit with its offer.

        Args:
            address: The client's address.
            offer: The first of this client.

        Raises:
            Refused: no slot is free.
            TooOften: this network has started enough sessions.
            MalformedOffer: the offer cannot be answered.
        """
        consent = (await self.notice(offer.chosen_agent)).accept(offer.consent)
        agent = await self.chosen(offer.chosen_agent)
        async with self.turns.turn(address):
            arrival, slot = self._expect_arrival(address, CONNECTING_SECONDS)
            try:
                web_session = self.registry.begin(address)
                web_session.consent, web_session.agent = consent, agent
                return web_session, await self._answer_first(web_session, offer, arrival, slot)
            except BaseException:
                slot.release()
                raise

    async def answer(self, web_session: WebSession, offer: OfferRequest) -> dict[str, str]:
        """Answer an offer: the first of a visit, or a further one of the same client.

        Raises:
            Refused: another client is connected here, the visit is over, or no slot is free.
            TooOften: the client sends offer after offer.
            MalformedOffer: the offer cannot be answered.
        """
        await self.agent.admission.prepare()
        match web_session.state, web_session.conversation:
            case State.WAITING, _:
                arrival, slot = self._expect_arrival(web_session.address, CONNECTING_SECONDS, web_session.hold)
                try:
                    return await self._answer_first(web_session, offer, arrival, slot)
                except BaseException:
                    slot.release()
                    raise
            # Only this visit's client knows the id, so no other client can take the connection over.
            case State.RUNNING, PeerSession() as peer if offer.pc_id == peer.pc_id:
                await peer.renegotiate(offer)
                return self._description(peer)
            case State.FINISHED, _:
                raise SessionOver("over")
            case _:
                raise SessionTaken("taken")

    async def _answer_first(
        self, web_session: WebSession, offer: OfferRequest, arrival: ExpectedArrival, slot: Slot
    ) -> dict[str, str]:
        self.registry.move(web_session, State.ANSWERING)
        web_session.offers += 1
        peer: PeerSession | None = None
        try:
            session_request = web_session.session_request(slot, offer.details, offer.region)
            peer = await PeerSession.answer(
                self.agent, session_request, offer, self.people(session_request.agent), web_session.part
            )
            peer.on_connected = partial(self.ratings.expect, web_session)
            if web_session.text_only:
                peer.use_text_only()
            if web_session.consent is not None:
                peer.agreed(web_session.consent)
            answer = self._description(peer)
            arrival.when_displaced(peer.give_up)
        except BaseException:
            # A client may retry with another offer, but each costs sockets and a key, so not without a bound.
            self.registry.move(web_session, State.WAITING if web_session.offers < MAX_OFFERS else State.FINISHED)
            slot.release()
            if peer is not None:
                await peer.discard()
            raise
        try:
            self.registry.carry(web_session, peer, peer.run(), peer.abandon)
        except BaseException:
            self.registry.move(web_session, State.FINISHED)
            await peer.abandon()
            raise
        return answer

    def _expect_arrival(self, address: str, patience: float, hold: Hold | None = None) -> tuple[ExpectedArrival, Slot]:
        """Expect a visitor, who takes the slot when they are connected.

        Raises:
            Refused: every slot is taken, or too many visitors are connecting.
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
        """Return the visit that a connection belongs to.

        Raises:
            UnknownSession: there is none.
        """
        for web_session in self.registry.running():
            if isinstance(web_session.conversation, PeerSession) and web_session.conversation.pc_id == pc_id:
                return web_session
        raise UnknownSession("connection")

    async def rate(self, web_session_id: str, given: RatingRequest) -> None:
        """Take a rating of a conversation that runs, or has ended here or at another task.

        Raises:
            UnknownSession: there was no such conversation.
            PermissionRefused: it has been rated.
        """
        try:
            web_session = self.registry.find(web_session_id)
            known = Rateable(web_session.session_id, web_session.agent_id)
        except UnknownSession:
            known = Rateable("")
        await self.ratings.take(web_session_id, known, given)

    async def add_candidates(self, web_session: WebSession, pc_id: str, candidates: list[Candidate]) -> None:
        """Add network addresses of a visit's client.

        Raises:
            UnknownSession: the visit has no such connection.
            MalformedOffer: an address is invalid.
        """
        peer = web_session.conversation
        if not isinstance(peer, PeerSession) or peer.pc_id != pc_id:
            raise UnknownSession("connection")
        await peer.add(candidates)

    async def aclose(self) -> None:
        """End all visits and release all resources."""
        # In this order: a conversation that ends still stores its state and deletes its room.
        await self.registry.aclose()
        await self.ratings.aclose()
        if self._call_me is not None:
            await self._call_me.aclose()
        await self.returns.aclose()
        if self.rooms is not None:
            await self.rooms.aclose()
