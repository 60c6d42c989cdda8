"""What all visitors of this process share, and how they are let in."""

import time

import structlog

from agent_core.agent import Agent
from webrtc_agent import ice
from webrtc_agent.call_back import contacts
from webrtc_agent.limits import StartLimit
from webrtc_agent.origin import AllowedOrigins
from webrtc_agent.peer import Peer
from webrtc_agent.refusals import SessionOver, SessionTaken, UnknownSession
from webrtc_agent.requests import Candidate, OfferRequest
from webrtc_agent.rooms import DailyRooms, Room
from webrtc_agent.settings import WebSettings
from webrtc_agent.visits import State, Visit, Visits

log = structlog.get_logger()


class Lobby:
    """The web service's parts, made once.

    Args:
        settings: Of the web service.
        agent: What all conversations share.
        rooms: Daily's rooms, where sound travels through Daily.
    """

    def __init__(self, settings: WebSettings, agent: Agent, rooms: DailyRooms | None = None) -> None:
        self.settings = settings
        self.agent = agent
        self.rooms = rooms
        self.origins = AllowedOrigins(settings.base_url, settings.allowed_origins)
        self.starts = StartLimit(settings.starts_per_minute_per_address, settings.starts_per_minute, time.monotonic)
        self.visits = Visits(time.monotonic)
        self.people = contacts(settings)

    @property
    def transports(self) -> list[str]:
        """How sound travels here."""
        return ["webrtc"] if self.rooms is None else ["daily"]

    def expect(self, details: str = "") -> Visit:
        """Begin a visit whose client will make an offer. It gets its place with the offer: many never make one.

        Args:
            details: What the app says about its visitor.

        Raises:
            Refused: every place is taken, or this task takes nothing new.
        """
        self.agent.admission.check()
        visit = self.visits.begin()
        visit.details = details
        return visit

    async def open_room(self, rooms: DailyRooms, details: str = "") -> tuple[Visit, Room]:
        """Begin a visit in a room of its own, with the agent on its way there.

        Raises:
            Refused: not now.
            UpstreamError: Daily did not make a room.
        """
        place = self.agent.admission.admit()
        try:
            room = await rooms.open()
        except BaseException:
            place.release()
            raise
        visit = self.visits.begin()
        daily = rooms.visit(self.agent, place, room, details)
        self.visits.carry(visit, daily, daily.run())
        return visit, room

    async def answer(self, visit: Visit, offer: OfferRequest) -> dict[str, str]:
        """Answer an offer: the first of a visit, or a further one of the same client.

        Raises:
            Refused: another client talks here, the visit is over, or there is no place.
            TooOften: the client makes offer after offer.
            MalformedOffer: the offer cannot be answered.
        """
        match visit.state, visit.conversation:
            case State.WAITING, _:
                return await self._answer_first(visit, offer)
            case State.RUNNING, Peer() as peer if offer.pc_id == peer.pc_id:
                await peer.renegotiate(offer)
                return self._description(peer)
            case State.FINISHED, _:
                raise SessionOver("over")
            case _:
                raise SessionTaken("taken")

    async def _answer_first(self, visit: Visit, offer: OfferRequest) -> dict[str, str]:
        details = offer.details or visit.details  # as in Pipecat's own runner
        place = self.agent.admission.admit()
        visit.state = State.ANSWERING
        try:
            peer = await Peer.answer(self.agent, place, offer, self.people, details)
            answer = self._description(peer)
        except BaseException:
            visit.state = State.WAITING
            place.release()
            raise
        self.visits.carry(visit, peer, peer.run())
        return answer

    def _description(self, peer: Peer) -> dict[str, str]:
        answer = peer.description
        return answer | {"sdp": ice.advertise(answer["sdp"], self.settings.ice_advertised_hosts)}

    def of_connection(self, pc_id: str) -> Visit:
        """Find the visit that a connection belongs to.

        Raises:
            UnknownSession: there is none.
        """
        for visit in self.visits.running():
            if isinstance(visit.conversation, Peer) and visit.conversation.pc_id == pc_id:
                return visit
        raise UnknownSession("connection")

    async def add_candidates(self, visit: Visit, pc_id: str, candidates: list[Candidate]) -> None:
        """Take network addresses of a visit's client.

        Raises:
            UnknownSession: no such connection is part of it.
            MalformedOffer: what came is no address.
        """
        peer = visit.conversation
        if not isinstance(peer, Peer) or peer.pc_id != pc_id:
            raise UnknownSession("connection")
        await peer.add(candidates)

    async def aclose(self) -> None:
        """End all visits and release what the lobby holds."""
        await self.visits.aclose()
        if self.rooms is not None:
            await self.rooms.aclose()
