"""One visitor who is connected peer to peer: the connection on one side, the conversation on the other."""

import asyncio
import time
from contextlib import suppress
from typing import Any

import structlog
from aiortc.sdp import candidate_from_sdp

from agent_core.admission import Place
from agent_core.agent import Agent
from agent_core.events import EndReason, EndRecord, Tally
from agent_core.session import Media, Opening, Session
from webrtc_agent.connection import SoundConnection
from webrtc_agent.farewell import farewell
from webrtc_agent.messages import Drop, Leave, MessageGuard, Pass, Press
from webrtc_agent.offer import check_offer
from webrtc_agent.refusals import MalformedOffer
from webrtc_agent.requests import MAX_CANDIDATES, Candidate, OfferRequest
from webrtc_agent.transport import INPUT_RATE, OUTPUT_RATE, VisitorTransport
from webrtc_agent.watch import Watch

log = structlog.get_logger()

ANSWER_SECONDS = 5.0
"""Longest time to make an answer; without a STUN server of our own it takes milliseconds."""
CONNECT_SECONDS = 15
"""Longest time from the answer to connected sound; a network that lets it through does so within two."""
CLOSE_SECONDS = 2.0
READY_SECONDS = 10.0
WAY_TO_EAR = 0.4
"""Seconds: Pipecat's track holds 40 ms, a browser's jitter buffer 40 to 200."""


class Peer:
    """Answers an offer, then carries one conversation.

    Args:
        agent: What all conversations share.
        place: Is given back when the conversation is over.
        connection: Has answered an offer.
    """

    def __init__(self, agent: Agent, place: Place, connection: SoundConnection) -> None:
        self._connection = connection
        self._candidates = 0
        self._guard = MessageGuard(time.monotonic)
        self._watch = Watch(time.monotonic, CONNECT_SECONDS)
        transport = VisitorTransport(connection, self._hear, self._believe)
        media = Media(
            INPUT_RATE,
            OUTPUT_RATE,
            source=transport.input(),
            sink=transport.output(),
            way_to_ear=WAY_TO_EAR,
            before_end=self._say_why,
        )
        self._session = Session(agent, Opening("browser", place), media, Tally())
        transport.add_event_handler("on_client_connected", self._connected)
        transport.add_event_handler("on_client_disconnected", self._left)

    @classmethod
    async def answer(cls, agent: Agent, place: Place, offer: OfferRequest) -> "Peer":
        """Make a peer that answers an offer.

        Raises:
            MalformedOffer: it cannot be answered; nothing of it is left.
        """
        connection = SoundConnection(connection_timeout_secs=CONNECT_SECONDS)
        try:
            await _negotiate(connection, offer)
        except MalformedOffer:
            await _close(connection)
            raise
        return cls(agent, place, connection)

    @property
    def pc_id(self) -> str:
        """The connection's name; a restarted connection gets another."""
        return self._connection.pc_id

    @property
    def description(self) -> dict[str, str]:
        """The answer as clients take it.

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
            MalformedOffer: it cannot be answered.
        """
        await _negotiate(self._connection, offer, again=True)

    async def add(self, candidates: list[Candidate]) -> None:
        """Take network addresses of the client.

        Raises:
            MalformedOffer: one is none, or they are too many.
        """
        self._candidates += len(candidates)
        if self._candidates > MAX_CANDIDATES:
            raise MalformedOffer("too_many_candidates")
        for candidate in candidates:
            try:
                await self._connection.add_ice_candidate(_parsed(candidate))  # type: ignore[no-untyped-call]
            except (ValueError, IndexError, AssertionError) as error:
                raise MalformedOffer(f"candidate: {type(error).__name__}") from None

    def end(self, reason: EndReason) -> None:
        """End the conversation."""
        self._session.end(reason)

    async def run(self) -> EndRecord:
        """Hold the conversation; returns its record when everything is released."""
        watching = asyncio.create_task(self._keep_watch(), name=f"watch-{self.pc_id}")
        try:
            return await self._session.run()
        finally:
            watching.cancel()
            # Pipecat leaves a connection open that it takes for lost.
            await _close(self._connection)

    async def _keep_watch(self) -> None:
        while not self._watch.is_lost(connected=self._connection.is_connected()):  # noqa: ASYNC110 - nobody reports it
            await asyncio.sleep(0.5)
        self._session.end(EndReason.PEER_LOST)

    def _hear(self, pcm: bytes) -> None:
        self._watch.heard()
        self._session.hear(pcm)

    async def _connected(self, _transport: object, _client: object) -> None:
        self._watch.connected()
        self._session.connected()

    async def _left(self, _transport: object, _client: object) -> None:
        self._session.end(EndReason.CALLER_LEFT)

    async def _believe(self, message: Any) -> bool:  # noqa: ANN401 - JSON
        match self._guard.judge(message):
            case Leave():
                self._session.end(EndReason.CALLER_LEFT)
            case Press(digits):
                for digit in digits:
                    self._session.press(digit)
            case Drop(reason):
                self._session.tally.ignored_messages += 1
                log.debug("message_dropped", reason=reason)
            case Pass(kind):
                return await self._pass(kind)
        return False

    async def _pass(self, kind: str) -> bool:
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._session.ready.wait()
        except TimeoutError:
            return False
        if kind == "client-ready":
            self._session.greet()
        return True

    def _say_why(self, reason: EndReason) -> None:
        message = farewell(reason)
        if message is not None:
            self._connection.send_app_message(message)


async def _negotiate(connection: SoundConnection, offer: OfferRequest, *, again: bool = False) -> None:
    check_offer(offer.sdp)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            if again:
                await connection.renegotiate(offer.sdp, offer.type, bool(offer.restart_pc))
            else:
                await connection.initialize(offer.sdp, offer.type)
    except Exception as error:  # noqa: BLE001 - see below
        # aiortc's parser raises whatever its first stumble was: ValueError, IndexError, KeyError, AssertionError…
        raise MalformedOffer(type(error).__name__) from None


async def _close(connection: SoundConnection) -> None:
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.disconnect()  # type: ignore[no-untyped-call]


def _parsed(candidate: Candidate) -> Any:  # noqa: ANN401 - aiortc has no types
    if not candidate.candidate:
        return None  # the client has no more (RFC 8840)
    parsed = candidate_from_sdp(candidate.candidate)
    parsed.sdpMid, parsed.sdpMLineIndex = candidate.sdp_mid, candidate.sdp_mline_index
    return parsed
