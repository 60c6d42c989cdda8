"""The web application without a socket, a model or a browser."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from ipaddress import ip_address

import httpx
import pytest_asyncio
from aiortc import RTCConfiguration, RTCPeerConnection

from agent_core.admission import Slot
from agent_core.agent_runtime import AgentRuntime
from agent_core.agents.catalogue import AgentCatalogue
from agent_core.errors import ModelRejected, UpstreamError
from agent_core.events import CallDetailRecord, EndReason, SessionStats, VisitorConsent
from agent_core.nova.stream import ModelClient, ModelStream
from agent_core.session_request import SessionRequest
from tests.support.agents import one_agent
from webrtc_agent import connection, ice
from webrtc_agent.app import create_app
from webrtc_agent.call_me import CallMe
from webrtc_agent.connection import AudioOnlyConnection
from webrtc_agent.request_schemas import OfferRequest
from webrtc_agent.returning import ConversationPart
from webrtc_agent.rooms import DailyRoom
from webrtc_agent.settings import WebSettings
from webrtc_agent.web_service import WebService

BASE_URL = "https://talk.example.com"


class NoModel(ModelClient):
    """Opens nothing: these tests end before a conversation starts."""

    async def open(self, model_id: str) -> ModelStream:
        """Refuse."""
        raise ModelRejected("NoModel", model_id)


class FakeRooms:
    """Daily without Daily."""

    def __init__(self, *, comes: bool = True) -> None:
        self.comes = comes
        self.opened: list[DailyRoom] = []
        self.deleted: list[DailyRoom] = []
        self.registry: list[FakeVisit] = []
        self.details: list[str] = []
        self.regions: list[str] = []
        self.failure: UpstreamError | None = None
        self.closed = False

    async def open(self) -> DailyRoom:
        """Make a room, or fail."""
        if self.failure is not None:
            raise self.failure
        room = DailyRoom(f"room-{len(self.opened)}", "https://talk.daily.co/room", "visitor-token", "agent-token")
        self.opened.append(room)
        return room

    def web_session(
        self,
        agent: AgentRuntime,
        session_request: SessionRequest,
        room: DailyRoom,
        part: ConversationPart | None = None,
    ) -> "FakeVisit":
        """Prepare a conversation."""
        del agent, part
        self.details.append(session_request.details)
        self.regions.append(session_request.region)
        self.registry.append(FakeVisit(self, session_request.slot, room))
        return self.registry[-1]

    async def delete(self, room: DailyRoom) -> None:
        """Delete a room."""
        self.deleted.append(room)

    async def aclose(self) -> None:
        """Record it."""
        self.closed = True


class FakeVisit:
    """The agent in a room, until the test ends it."""

    consent: VisitorConsent | None = None
    on_connected: Callable[[str], None]

    def agreed(self, consent: VisitorConsent) -> None:
        """Record it."""
        self.consent = consent

    def __init__(self, rooms: FakeRooms, slot: Slot, room: DailyRoom) -> None:
        self._rooms, self._slot, self._room = rooms, slot, room
        self._left = asyncio.Event()

    def end(self, reason: EndReason) -> None:
        """End."""
        del reason
        self._left.set()

    def use_text_only(self) -> None:
        """Do nothing: it sends no audio anyway."""

    def give_up(self) -> None:
        """End, because another visitor takes its turn."""
        self._left.set()

    async def run(self) -> CallDetailRecord:
        """End at once, or wait for a visitor who never arrives."""
        if not self._rooms.comes:
            await self._left.wait()
        self._slot.release()
        await self._rooms.delete(self._room)
        return CallDetailRecord("session", "browser", EndReason.CALLER_HUNG_UP, 0.0, 0, SessionStats())


type MakeClient = Callable[..., "Desk"]


class Desk:
    """A client of the application, and what stands behind it."""

    def __init__(
        self,
        settings: WebSettings,
        rooms: FakeRooms | None,
        call_me: CallMe | None = None,
        agents: AgentCatalogue | None = None,
    ) -> None:
        self.rooms = rooms
        self.records: list[CallDetailRecord] = []
        self.agent = AgentRuntime(settings, NoModel(), agents or one_agent(), self._keep)
        self.web_service = WebService(settings, self.agent, rooms, call_me=call_me)
        self._transport = httpx.ASGITransport(create_app(self.web_service), raise_app_exceptions=False)
        self.come_from("192.0.2.7")
        self.http = httpx.AsyncClient(base_url=BASE_URL, transport=self._transport)

    def come_from(self, address: str) -> None:
        """Send requests from another address from now on."""
        self._transport.client = (address, 1)

    def _keep(self, record: CallDetailRecord) -> None:
        self.records.append(record)


@pytest_asyncio.fixture
async def make_desk() -> AsyncIterator[MakeClient]:
    """Make desks with the settings that a test wants."""
    async with AsyncExitStack() as stack:

        def make(
            rooms: FakeRooms | None = None,
            call_me: CallMe | None = None,
            agents: AgentCatalogue | None = None,
            **settings: object,
        ) -> Desk:
            read = WebSettings.model_validate({"public_base_url": BASE_URL, **settings})
            desk = Desk(read, rooms, call_me, agents)
            stack.push_async_callback(desk.http.aclose)
            stack.push_async_callback(desk.web_service.aclose)
            return desk

        yield make


@pytest_asyncio.fixture
async def answered() -> AudioOnlyConnection:
    """Answer the offer of a visitor who has since left, over loopback only."""
    ice.offer_only([ip_address("127.0.0.1")])
    visitor = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    visitor.addTransceiver("audio")
    visitor.createDataChannel("chat")
    await visitor.setLocalDescription(await visitor.createOffer())
    offer = OfferRequest(sdp=visitor.localDescription.sdp, type="offer")
    await visitor.close()
    return await connection.answer(offer)
