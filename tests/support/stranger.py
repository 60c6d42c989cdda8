"""A client that speaks to the phone service without an exchange: any part may be wrong, forged or missing."""

import json
from contextlib import suppress
from dataclasses import dataclass
from xml.etree.ElementTree import fromstring

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from standins.twilio.media import Announcer
from standins.twilio.party import Party
from standins.twilio.settings import ExchangeSettings
from standins.twilio.signing import sign
from standins.twilio.twiml_program import new_sid
from standins.twilio.webhook_client import Webhooks


@dataclass(frozen=True)
class Invitation:
    """The stream's address and stream token from the TwiML."""

    url: str
    ticket: str


class Stranger:
    """Knows the account's secrets, so that it can also send valid requests."""

    def __init__(self, number: str, settings: ExchangeSettings) -> None:
        self.number = number
        self.settings = settings
        self.call_sid = new_sid("CA")
        self.stream_sid = new_sid("MZ")
        self.part = 0
        """Number of the call's stream that begins next."""
        self._webhooks = Webhooks(settings.signer, 10.0)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._webhooks.aclose()

    def fields(self, **changed: str) -> dict[str, str]:
        """Return the fields of a webhook about this call."""
        party = Party(self.call_sid, self.settings.account_sid, "+15005550006", "+15005550001")
        return party.params("ringing", changed)

    def webhook(self, **changed: str) -> httpx.Request:
        """Return the signed webhook of an incoming call."""
        return self._webhooks.request(f"{self.number}/incoming-call", "POST", self.fields(**changed), {})

    def signed(self, path: str, method: str = "POST", **changed: str) -> httpx.Request:
        """Return any signed webhook about this call."""
        return self._webhooks.request(f"{self.number}{path}", method, self.fields(**changed), {})

    def foreign(self, path: str, form: dict[str, str]) -> httpx.Request:
        """Return a signed webhook that is about no call."""
        return self._webhooks.request(f"{self.number}{path}", "POST", form, {})

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request unchanged."""
        return await self._webhooks.send(request)

    async def ring(self, signed_for: str | None = None) -> Invitation:
        """Let the service answer the call; a task behind a load balancer has another address of its own."""
        request = self.webhook()
        if signed_for is not None:
            signature = sign(self.settings.auth_token, f"{signed_for}/incoming-call", self.fields().items())
            request.headers["X-Twilio-Signature"] = signature
        answer = await self.send(request)
        assert answer.status_code == 200, answer.text
        return invitation_in(answer.text)

    async def lose(self, part: int) -> str:
        """Report a lost stream of the call; return the answer's document, and count the next stream."""
        self.part = part + 1
        answer = await self.send(self.signed(f"/incoming-call/lost?part={part}"))
        assert answer.status_code == 200, answer.text
        return answer.text

    @property
    def stream_url(self) -> str:
        """Return the address of this call's stream."""
        return f"{self.number.replace('http', 'ws', 1)}/media-stream/{self.call_sid}"

    async def open_stream(self, url: str | None = None, signature: str | None = None) -> ClientConnection:
        """Open a socket, signed unless a signature is passed; an empty one omits the header.

        Raises:
            websockets.InvalidStatus: the service rejects it.
        """
        url = url or self.stream_url
        given = sign(self.settings.auth_token, url) if signature is None else signature
        headers = {"x-twilio-signature": given} if given else {}
        return await connect(url, additional_headers=headers, compression=None, proxy=None, ping_interval=None)

    def announcer(self, **changed: str) -> Announcer:
        """Return the messages of this call's stream; `account_sid` and `call_sid` may be others."""
        sids = {"account_sid": self.settings.account_sid, "call_sid": self.call_sid} | changed
        return Announcer(sids["account_sid"], sids["call_sid"], self.stream_sid)

    async def begin(self, socket: ClientConnection, ticket: str | None, **changed: str) -> Announcer:
        """Send `connected` and `start` with a stream token, or without one."""
        announcer = self.announcer(**changed)
        parameters = {"part": str(self.part)} if self.part else {}
        await socket.send(announcer.connected())
        await socket.send(announcer.start(parameters if ticket is None else {"ticket": ticket, **parameters}))
        return announcer


async def close_code(socket: ClientConnection) -> int | None:
    """Read until the other side closes; return its code."""
    with suppress(ConnectionClosed):
        async for _ in socket:
            pass
    return socket.close_code


async def next_event(socket: ClientConnection, name: str) -> dict[str, object]:
    """Read until a message with this event arrives."""
    async for text in socket:
        message: dict[str, object] = json.loads(text)
        if message["event"] == name:
            return message
    raise EOFError(name)


def invitation_in(twiml: str) -> Invitation:
    """Read the stream's address and stream token from a document."""
    stream = fromstring(twiml).find("Connect/Stream")  # noqa: S314 - our own document
    assert stream is not None, twiml
    ticket = stream.find("Parameter[@name='ticket']")
    assert ticket is not None
    return Invitation(stream.attrib["url"], ticket.attrib["value"])
