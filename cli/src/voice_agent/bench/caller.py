"""A benchmark caller: simulates Twilio for one call with as little work as possible."""

import asyncio
import base64
import contextlib
import itertools
import json
import time
import uuid
from typing import Final

import httpx
import websockets
from websockets.asyncio.client import ClientConnection, connect

from standins.twilio import mulaw
from standins.twilio.media import Announcer
from standins.twilio.signing import HANDSHAKE_HEADER, WEBHOOK_HEADER, sign
from standins.twilio.twiml_parser import Connect, Stream, TwimlError, parse
from voice_agent.bench import script, sound
from voice_agent.bench.crossing import CallTimes

WEBHOOK_SECONDS: Final = 15.0
OPEN_SECONDS: Final = 10.0
FIRST_AUDIO_SECONDS: Final = 15.0
"""Time limits for an overloaded agent; a slower one has failed."""
_CLOSE_SECONDS: Final = 2.0


class CallFailed(Exception):
    """The call was not established, or ended early."""


async def first_audio(heard: asyncio.Event) -> None:
    """Wait for the event of an agent's first audio.

    Raises:
        CallFailed: no audio arrived in time.
    """
    try:
        async with asyncio.timeout(FIRST_AUDIO_SECONDS):
            await heard.wait()
    except TimeoutError:
        raise CallFailed(f"no sound within {FIRST_AUDIO_SECONDS:.0f} s") from None


class Caller:
    """One call: `dial`, then `hang_up`. Caller and model both write into `times`.

    Args:
        base_url: URL of the agent under test.
        account_sid: Twilio account that the agent accepts.
        auth_token: Signs webhook and handshake.
        seed: Determines when the caller sends blips.
        times: Receives the measurements.
    """

    def __init__(self, base_url: str, account_sid: str, auth_token: str, seed: int, times: CallTimes) -> None:
        self._url = f"{base_url}/incoming-call"
        self._account_sid = account_sid
        self._auth_token = auth_token
        self._blips = script.blips(seed)
        self._times = times
        self._call_sid = "CA" + uuid.uuid4().hex
        self._line = Announcer(account_sid, self._call_sid, "MZ" + uuid.uuid4().hex)
        self._socket: ClientConnection | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._played_until = 0.0
        self._marks: dict[str, asyncio.TimerHandle] = {}
        self._heard = asyncio.Event()
        self._hanging_up = False

    async def dial(self, client: httpx.AsyncClient) -> None:
        """Request the webhook, open the stream, send `start`, and start the audio in both directions.

        Raises:
            CallFailed: the agent did not accept the call.
        """
        stream = await self._ask(client)
        try:
            self._socket = await connect(
                stream.url,
                additional_headers={HANDSHAKE_HEADER: sign(self._auth_token, stream.url)},
                # Twilio offers no compression and sends no pings, so both would be work that a real call lacks.
                compression=None,
                open_timeout=OPEN_SECONDS,
                close_timeout=_CLOSE_SECONDS,
                ping_interval=None,
                proxy=None,
            )
        except (OSError, TimeoutError, websockets.WebSocketException) as error:
            raise CallFailed(f"stream: {error!r}") from error
        await self._socket.send(self._line.connected())
        self._times.started_at = time.monotonic()
        await self._socket.send(self._line.start(dict(stream.parameters)))
        self._tasks = [
            asyncio.create_task(self._speak(self._socket)),
            asyncio.create_task(self._listen(self._socket)),
        ]

    async def greeted(self) -> None:
        """Wait for the agent's first audio.

        Raises:
            CallFailed: no audio arrived in time.
        """
        await first_audio(self._heard)

    async def hang_up(self) -> None:
        """Hang up, within a time limit."""
        # From here on a closed stream is expected, and is not recorded as trouble.
        self._hanging_up = True
        for task in self._tasks:
            task.cancel()
        for timer in self._marks.values():
            timer.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._socket is not None:
            with contextlib.suppress(websockets.WebSocketException, TimeoutError, OSError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await self._socket.send(self._line.stop())
                    await self._socket.close()

    async def _ask(self, client: httpx.AsyncClient) -> Stream:
        fields = {
            "AccountSid": self._account_sid,
            "ApiVersion": "2010-04-01",
            "CallSid": self._call_sid,
            "CallStatus": "ringing",
            "Direction": "inbound",
            "From": "+15005550006",
            "FromCity": "STOCKHOLM",
            "FromCountry": "SE",
            "To": "+15005550001",
        }
        signature = sign(self._auth_token, self._url, fields.items())
        began = time.monotonic()
        try:
            answer = await client.post(
                self._url, data=fields, headers={WEBHOOK_HEADER: signature}, timeout=WEBHOOK_SECONDS
            )
            self._times.webhook = time.monotonic() - began
            verbs = parse(answer.raise_for_status().text, self._url)
        except (httpx.HTTPError, TwimlError) as error:
            raise CallFailed(f"webhook: {error!r}") from error
        if not verbs or not isinstance(verbs[0], Connect):
            raise CallFailed("the webhook's answer opens no stream")
        return verbs[0].stream

    async def _speak(self, socket: ClientConnection) -> None:
        """Send a frame every 20 ms: silence until the agent is heard, then silence with blips."""
        began = time.monotonic()
        try:
            for number in itertools.count():
                blip = self._heard.is_set() and next(self._blips)
                # Each frame has its own due time: sleeping 20 ms after each send would add up the delays.
                await asyncio.sleep(max(0.0, began + number * mulaw.FRAME_SECONDS - time.monotonic()))
                text = self._line.media(sound.BLIP if blip else sound.QUIET)
                # The clock starts before the send, so that a blocked socket counts as the agent's delay.
                if blip:
                    self._times.to_model.left(time.monotonic())
                await socket.send(text)
        except websockets.ConnectionClosed as closed:
            self._lost(closed)

    async def _listen(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                at = time.monotonic()
                message = json.loads(text)
                match message["event"]:
                    case "media":
                        self._hear(message["media"]["payload"], at)
                    case "mark":
                        self._mark(message["mark"]["name"], socket)
                    case "clear":
                        self._clear(at, socket)
            self._lost(None)
        except websockets.ConnectionClosed as closed:
            self._lost(closed)

    def _hear(self, payload: str, at: float) -> None:
        # Twilio plays what it receives in sequence: a burst ends as much later as it is long.
        codes = base64.b64decode(payload)
        self._played_until = max(self._played_until, at) + len(codes) / mulaw.RATE
        crossing = self._times.from_model
        if crossing.awaited and sound.is_answer(mulaw.decode(codes), self._times.answer_amplitude):
            crossing.arrived(at)
            if self._times.first_audio_at is None:
                self._times.first_audio_at = at
                self._heard.set()

    def _mark(self, name: str, socket: ClientConnection) -> None:
        """Send a mark back when the audio before it has been played."""
        wait = max(0.0, self._played_until - time.monotonic())
        self._marks[name] = asyncio.get_running_loop().call_later(wait, self._echo, name, socket)

    def _echo(self, name: str, socket: ClientConnection) -> None:
        self._marks.pop(name).cancel()
        if not self._hanging_up:
            # The list keeps a reference: the event loop itself does not, and could drop the task.
            echo = asyncio.create_task(self._send(socket, self._line.mark(name)))
            self._tasks.append(echo)
            echo.add_done_callback(self._tasks.remove)

    async def _send(self, socket: ClientConnection, text: str) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            await socket.send(text)

    def _clear(self, at: float, socket: ClientConnection) -> None:
        if self._times.clears.awaited:
            self._times.clears.arrived(at)
        # Twilio drops its buffer at a `clear`, and returns the marks of the dropped audio at once.
        self._played_until = at
        # A copy, because `_echo` removes the mark.
        for name in list(self._marks):
            self._echo(name, socket)

    def _lost(self, closed: websockets.ConnectionClosed | None) -> None:
        if not self._hanging_up:
            self._times.trouble.append(f"the agent closed the stream: {closed!r}")
