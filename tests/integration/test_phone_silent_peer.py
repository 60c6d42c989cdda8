"""A telephone that sends no audio is muted or on hold; a peer that answers no ping is dead."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode

from agent_core.events import EndReason
from phone_agent.live_call import ASK_SECONDS, STALL_SECONDS
from standins.twilio.media import Announcer
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import ExchangeSettings
from tests.support import scripted_model as say
from tests.support.caller import Caller
from tests.support.phone_in_process import PhoneInProcess, phone_in_process
from tests.support.scripted_model import ScriptedModel
from tests.support.stranger import Stranger
from tests.support.waiting import until

QUIET = b"\xff" * 160
SOUND = b"\x01\x00" * 80


@pytest.fixture
async def exchange() -> AsyncIterator[TwilioExchange]:
    """Run an exchange."""
    async with TwilioExchange(ExchangeSettings()) as exchange:
        yield exchange


@pytest.fixture
async def phone(exchange: TwilioExchange) -> AsyncIterator[PhoneInProcess]:
    """Run a service without the idle question to silent callers."""
    async with phone_in_process(exchange, ScriptedModel(), idle_prompt_seconds=0) as phone:
        yield phone
        assert phone.agent.admission.taken == 0


class Peer:
    """Twilio's end of a media stream, which sends only the responses that a test allows."""

    def __init__(self, socket: ClientConnection, announcer: Announcer) -> None:
        self.socket = socket
        self.announcer = announcer
        self.pongs = True
        self.echoes = True
        self.asked = 0
        self._send_frame = socket.protocol.send_frame
        socket.protocol.send_frame = self._answer  # type: ignore[method-assign]

    def _answer(self, frame: Frame) -> None:
        if frame.opcode is not Opcode.PONG or self.pongs:
            self._send_frame(frame)

    async def read(self) -> None:
        """Return each mark at once, as Twilio does, whether audio precedes it or not."""
        with suppress(websockets.ConnectionClosed):
            async for text in self.socket:
                message = json.loads(text)
                if message["event"] == "mark":
                    self.asked += not message["mark"]["name"].startswith("answer")
                    if self.echoes:
                        await self.socket.send(self.announcer.mark(message["mark"]["name"]))

    async def hear(self) -> None:
        """Send 20 ms of the caller's audio."""
        await self.socket.send(self.announcer.media(QUIET))


async def _greet(phone: PhoneInProcess) -> None:
    """Make the agent say its greeting."""
    model = await phone.model.stream()
    await model.until_sent("textInput", count=2)
    model.say(*say.answer(say.GREETING, SOUND))


@asynccontextmanager
async def a_call(phone: PhoneInProcess, exchange: TwilioExchange) -> AsyncIterator[Peer]:
    """Call, and wait until both sides have exchanged audio."""
    caller = Stranger(phone.url, exchange.settings)
    invitation = await caller.ring()
    async with await caller.open_stream() as socket:
        peer = Peer(socket, await caller.begin(socket, invitation.ticket))
        reading = asyncio.create_task(peer.read())
        for _ in range(10):
            await peer.hear()
        await _greet(phone)
        yield peer
        reading.cancel()
        await asyncio.wait({reading})
    await caller.aclose()


@pytest.mark.parametrize(
    ("pongs", "echoes"), [(True, True), (True, False), (False, True)], ids=["both", "pongs alone", "marks alone"]
)
async def test_a_muted_caller_is_kept(
    phone: PhoneInProcess, exchange: TwilioExchange, *, pongs: bool, echoes: bool
) -> None:
    """A muted caller stays connected for 90 s, because pongs arrive; the model gets silence."""
    async with a_call(phone, exchange) as peer:
        peer.pongs, peer.echoes = pongs, echoes
        model = await phone.model.stream()
        before = len(model.sound())
        await asyncio.sleep(90)
        assert phone.records == []
        assert len(model.sound()) > before + 60 * 16000, "the model was left without sound"
        await peer.hear()
        await peer.socket.send(peer.announcer.stop())
        await until(lambda: len(phone.records) == 1)
    assert phone.records[0].reason is EndReason.CALLER_HUNG_UP
    assert (peer.asked > 0) is not pongs, "marks are for a peer whose pongs do not come"


async def test_a_dead_peer_is_noticed_in_ten_seconds(phone: PhoneInProcess, exchange: TwilioExchange) -> None:
    """A peer without audio, pongs and marks counts as lost after ten seconds, with one record."""
    async with a_call(phone, exchange) as peer:
        peer.pongs = peer.echoes = False
        await asyncio.sleep(STALL_SECONDS - 1.5)
        assert phone.records == []
        await until(lambda: len(phone.records) == 1, 4)
        assert peer.asked == 1
    assert phone.records[0].reason is EndReason.MEDIA_DISCONNECTED


@pytest.mark.thorough
async def test_a_peer_that_dies_while_muted(phone: PhoneInProcess, exchange: TwilioExchange) -> None:
    """Earlier pongs of a peer that dies while muted do not extend the call."""
    async with a_call(phone, exchange) as peer:
        await asyncio.sleep(30)
        peer.pongs = peer.echoes = False
        await until(lambda: len(phone.records) == 1, STALL_SECONDS + 2)
    assert phone.records[0].reason is EndReason.MEDIA_DISCONNECTED
    assert ASK_SECONDS < STALL_SECONDS


@pytest.mark.thorough
async def test_sound_without_pongs_keeps_the_call(phone: PhoneInProcess, exchange: TwilioExchange) -> None:
    """A peer that sends audio stays connected without pongs."""
    async with a_call(phone, exchange) as peer:
        peer.pongs = peer.echoes = False
        for _ in range(60):
            await peer.hear()
            await asyncio.sleep(1)
        assert phone.records == []
        await peer.socket.send(peer.announcer.stop())
        await until(lambda: len(phone.records) == 1)
    assert phone.records[0].reason is EndReason.CALLER_HUNG_UP


@pytest.mark.thorough
async def test_a_telephone_on_hold_at_the_exchange(phone: PhoneInProcess, exchange: TwilioExchange) -> None:
    """A caller on hold for longer than the watchdog's limit stays connected and is heard again.

    Audio that was never sent does not count as lost.
    """
    async with Caller(exchange, phone.url) as caller:
        await caller.until("stream_started")
        await _greet(phone)
        assert caller.call.stream is not None
        caller.call.stream.held = True
        await asyncio.sleep(STALL_SECONDS + 2)
        assert phone.records == []
        caller.call.stream.held = False
        await asyncio.sleep(1)
    await until(lambda: len(phone.records) == 1)
    assert phone.records[0].reason is EndReason.CALLER_HUNG_UP
    assert phone.records[0].stats.missing_packets == 0
