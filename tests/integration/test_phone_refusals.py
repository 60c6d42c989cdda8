"""The service rejects every request that is not Twilio's before it opens a connection to the model."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest
from starlette.routing import Route, WebSocketRoute
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from phone_agent.routes import router
from phone_agent.stream_token import StreamTokenIssuer
from standins.twilio.signing import sign
from standins.twilio.twiml_program import new_sid
from tests.integration.conftest import AUTH_TOKEN, House
from tests.support.caller import Caller
from tests.support.phone_process import PhoneProcess
from tests.support.stranger import Stranger, close_code, invitation_in
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORM = "application/x-www-form-urlencoded"
POLICY = 1008


class Meter:
    """Counts what reaches the model from now on."""

    def __init__(self, house: House) -> None:
        self._ledger = house.nova.ledger
        self._before = self._read()

    def _read(self) -> tuple[int, int, int]:
        return self._ledger.connections, self._ledger.streams_opened, self._ledger.streams_refused

    @property
    def connections(self) -> int:
        """Return the connections since this meter was made."""
        return self._read()[0] - self._before[0]

    @property
    def streams(self) -> int:
        """Return the streams since this meter was made."""
        return self._read()[1] - self._before[1]


def _wrong_token(stranger: Stranger) -> httpx.Request:
    request = stranger.webhook()
    request.headers["X-Twilio-Signature"] = sign("another-token", str(request.url), stranger.fields().items())
    return request


def _no_signature(stranger: Stranger) -> httpx.Request:
    request = stranger.webhook()
    del request.headers["X-Twilio-Signature"]
    return request


def _changed_field(stranger: Stranger) -> httpx.Request:
    signed = stranger.webhook().headers["X-Twilio-Signature"]
    request = stranger.webhook(From="+15005550009")
    request.headers["X-Twilio-Signature"] = signed
    return request


def _another_path(stranger: Stranger) -> httpx.Request:
    url = f"{stranger.number}/incoming-call/"
    request = stranger.webhook()
    request.headers["X-Twilio-Signature"] = sign(AUTH_TOKEN, url, stranger.fields().items())
    return request


def _another_account(stranger: Stranger) -> httpx.Request:
    return stranger.webhook(AccountSid="AC" + "0" * 32)


def _no_call(stranger: Stranger) -> httpx.Request:
    return stranger.webhook(CallSid="CA../../etc")


def _unsigned_json(stranger: Stranger) -> httpx.Request:
    headers = {"X-Twilio-Signature": sign(AUTH_TOKEN, f"{stranger.number}/incoming-call")}
    return httpx.Request("POST", f"{stranger.number}/incoming-call", headers=headers, json=stranger.fields())


def _host_of_somebody(stranger: Stranger) -> httpx.Request:
    url = "https://voice.example.org/incoming-call"
    headers = {
        "Host": "voice.example.org",
        "X-Forwarded-Host": "voice.example.org",
        "X-Forwarded-Proto": "https",
        "X-Twilio-Signature": sign(AUTH_TOKEN, url, stranger.fields().items()),
        "Content-Type": FORM,
    }
    return httpx.Request(
        "POST", f"{stranger.number}/incoming-call", headers=headers, content=urlencode(stranger.fields())
    )


def _huge_body(stranger: Stranger) -> httpx.Request:
    return stranger.webhook(Note="x" * 100_000)


def _many_fields(stranger: Stranger) -> httpx.Request:
    return stranger.webhook(**{f"Field{number}": "x" for number in range(300)})


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (_wrong_token, 403),
        (_no_signature, 403),
        (_changed_field, 403),
        (_another_path, 403),
        (_another_account, 403),
        (_host_of_somebody, 421),
        (_no_call, 400),
        (_unsigned_json, 415),
        (_huge_body, 413),
        (_many_fields, 400),
    ],
)
async def test_a_forged_webhook_is_refused(
    phone: PhoneProcess, house: House, stranger: Stranger, make: Callable[[Stranger], httpx.Request], status: int
) -> None:
    """A forged webhook gets no ticket, no slot and no connection to the model."""
    meter = Meter(house)
    answer = await stranger.send(make(stranger))
    assert answer.status_code == status
    assert "Stream" not in answer.text
    assert await phone.sessions() == 0
    assert meter.connections == 0


WEBHOOKS = [
    (method, route.path)
    for route in router.routes
    if isinstance(route, Route)
    for method in sorted((route.methods or set()) - {"HEAD"})
]
SOCKETS = [route.path for route in router.routes if isinstance(route, WebSocketRoute)]


def _signature(stranger: Stranger, method: str, path: str, token: str = AUTH_TOKEN) -> str:
    """Sign as Twilio does, for any path and with any token."""
    url, fields = f"{stranger.number}{path}", stranger.fields()
    return sign(token, f"{url}?{urlencode(fields)}") if method == "GET" else sign(token, url, fields.items())


async def test_every_route_is_a_webhook_or_a_socket() -> None:
    """Every route is a webhook or a socket, and the tests below request each of them."""
    assert len(router.routes) == len(WEBHOOKS) + len(SOCKETS)
    assert {path for _, path in WEBHOOKS} >= {"/incoming-call", "/incoming-call/lost", "/incoming-call/dial-ended"}


@pytest.mark.parametrize(("method", "path"), WEBHOOKS)
async def test_threat_01_no_webhook_is_believed_unsigned(
    phone: PhoneProcess, house: House, stranger: Stranger, method: str, path: str
) -> None:
    """A webhook without a valid signature for its URL gets 403, for exactly this reason."""
    meter = Meter(house)
    forged = _signature(stranger, method, path, "another-token"), _signature(stranger, method, f"{path}/elsewhere")
    for signature in ("", *forged):
        request = stranger.signed(path, method)
        assert request.headers["X-Twilio-Signature"] == _signature(stranger, method, path)
        del request.headers["X-Twilio-Signature"]
        if signature:
            request.headers["X-Twilio-Signature"] = signature
        answer = await stranger.send(request)
        assert answer.status_code == 403
        assert "Response" not in answer.text
    believed = await stranger.send(stranger.signed(path, method, CallSid="none of ours"))
    assert believed.status_code != 403
    assert await phone.sessions() == 0
    assert meter.connections == 0


@pytest.mark.parametrize("path", SOCKETS)
async def test_threat_01_no_socket_is_believed_unsigned(house: House, stranger: Stranger, path: str) -> None:
    """A handshake without a valid signature for its URL gets 403, for exactly this reason."""
    meter = Meter(house)
    url = f"{stranger.number.replace('http', 'ws', 1)}{path.format(call_sid=stranger.call_sid)}"
    for signature in ("", sign("another-token", url), sign(AUTH_TOKEN, f"{url}/elsewhere")):
        with pytest.raises(InvalidStatus) as refused:
            await stranger.open_stream(url, signature)
        assert refused.value.response.status_code == 403
    socket = await stranger.open_stream(url)
    await socket.close()
    assert meter.connections == 0


@pytest.mark.parametrize("signature", ["", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "x" * 4000, "ä"])
async def test_a_forged_handshake_is_refused(house: House, stranger: Stranger, signature: str) -> None:
    """The service rejects a forged handshake with a plain 403 before the upgrade."""
    meter = Meter(house)
    given = signature and signature.encode("utf-8").decode("latin-1")
    with pytest.raises(InvalidStatus) as caught:
        await stranger.open_stream(signature=given)
    assert caught.value.response.status_code == 403
    assert meter.connections == 0


async def test_a_handshake_with_a_huge_header_is_refused(stranger: Stranger) -> None:
    """The service closes the connection of a handshake with a huge header."""
    async with asyncio.timeout(2):
        with pytest.raises(InvalidHandshake):
            await stranger.open_stream(signature="x" * 10_000)


def _office(*, token: str = AUTH_TOKEN, age: float = 0) -> StreamTokenIssuer:
    return StreamTokenIssuer.from_auth_tokens([token], lifetime=timedelta(seconds=60), clock=lambda: time.time() - age)


def _no_ticket(_: Stranger) -> str | None:
    return None


def _noise(_: Stranger) -> str | None:
    return "A" * 120


def _forged(stranger: Stranger) -> str | None:
    return _office(token="another-token").for_call(stranger.call_sid, stranger.settings.account_sid)


def _expired(stranger: Stranger) -> str | None:
    return _office(age=61).for_call(stranger.call_sid, stranger.settings.account_sid)


def _long_lived(stranger: Stranger) -> str | None:
    return _office(age=-3600).for_call(stranger.call_sid, stranger.settings.account_sid)


def _of_another_call(stranger: Stranger) -> str | None:
    return _office().for_call(new_sid("CA"), stranger.settings.account_sid)


def _of_another_account(stranger: Stranger) -> str | None:
    return _office().for_call(stranger.call_sid, "AC" + "0" * 32)


def _altered(stranger: Stranger) -> str | None:
    ticket = _office().for_call(stranger.call_sid, stranger.settings.account_sid)
    return ticket[:40] + ("A" if ticket[40] != "A" else "B") + ticket[41:]


@pytest.mark.parametrize(
    "make",
    [_no_ticket, _noise, _forged, _expired, _long_lived, _of_another_call, _of_another_account, _altered],
)
async def test_a_stream_without_a_good_ticket_is_refused(
    phone: PhoneProcess, house: House, stranger: Stranger, make: Callable[[Stranger], str | None]
) -> None:
    """A valid handshake alone does not open a stream: the ticket must be valid, too."""
    meter = Meter(house)
    async with await stranger.open_stream() as socket:
        await stranger.begin(socket, make(stranger))
        assert await close_code(socket) == POLICY
    assert meter.connections == 0
    assert await phone.sessions() == 0


async def test_a_good_ticket_opens_nothing_for_others(house: House, stranger: Stranger) -> None:
    """A ticket is valid for one call of one account, on the path that names this call."""
    meter = Meter(house)
    ticket = _office().for_call(stranger.call_sid, stranger.settings.account_sid)
    for changed in ({"account_sid": "AC" + "0" * 32}, {"call_sid": new_sid("CA")}):
        async with await stranger.open_stream() as socket:
            await stranger.begin(socket, ticket, **changed)
            assert await close_code(socket) == POLICY
    elsewhere = stranger.stream_url.replace(stranger.call_sid, new_sid("CA"))
    async with await stranger.open_stream(elsewhere) as socket:
        await stranger.begin(socket, ticket)
        assert await close_code(socket) == POLICY
    assert meter.connections == 0


async def test_a_ticket_is_used_once(phone: PhoneProcess, house: House, stranger: Stranger) -> None:
    """A copied ticket is useless after the call has used it, during the call and after it."""
    invitation = await stranger.ring()
    assert invitation.url == stranger.stream_url
    async with await stranger.open_stream() as socket:
        await stranger.begin(socket, invitation.ticket)
        await until(lambda: bool(phone.lines("model_session_started", call_sid=stranger.call_sid)))
        meter = Meter(house)
        async with await stranger.open_stream() as thief:
            await stranger.begin(thief, invitation.ticket)
            assert await close_code(thief) == POLICY
    await phone.record(stranger.call_sid)
    async with await stranger.open_stream() as thief:
        await stranger.begin(thief, invitation.ticket)
        assert await close_code(thief) == POLICY
    assert meter.connections == 0


async def _media_first(stranger: Stranger, socket: ClientConnection) -> None:
    announcer = stranger.announcer()
    await socket.send(announcer.connected())
    announcer.start({})
    await socket.send(announcer.media(b"\xff" * 160))


async def _nonsense_first(_: Stranger, socket: ClientConnection) -> None:
    await socket.send("hello")


async def _binary_first(_: Stranger, socket: ClientConnection) -> None:
    await socket.send(b"\x00" * 160)


async def _stop_first(stranger: Stranger, socket: ClientConnection) -> None:
    announcer = stranger.announcer()
    await socket.send(announcer.connected())
    announcer.start({})
    await socket.send(announcer.stop())


async def _twice_connected(stranger: Stranger, socket: ClientConnection) -> None:
    for announcer in (stranger.announcer(), stranger.announcer()):
        await socket.send(announcer.connected())


async def _storm(_stranger: Stranger, socket: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        for _ in range(300):
            await socket.send('{"event": "weather"}')


@pytest.mark.parametrize("begin", [_media_first, _nonsense_first, _binary_first, _stop_first, _twice_connected, _storm])
async def test_a_stream_that_begins_wrong_is_refused(
    house: House, stranger: Stranger, begin: Callable[[Stranger, ClientConnection], Awaitable[None]]
) -> None:
    """An invalid message before `start` closes the stream at once."""
    meter = Meter(house)
    async with await stranger.open_stream() as socket:
        await begin(stranger, socket)
        assert await close_code(socket) == POLICY
    assert meter.connections == 0


async def _say_nothing(_: Stranger, socket: ClientConnection) -> None:
    del socket


async def _say_connected(stranger: Stranger, socket: ClientConnection) -> None:
    await socket.send(stranger.announcer().connected())


async def _dribble(_: Stranger, socket: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        while True:
            await socket.send('{"event": "weather"}')
            await asyncio.sleep(0.5)


async def test_a_socket_must_start_within_five_seconds(house: House, stranger: Stranger) -> None:
    """Silence, a lone `connected` or other messages do not extend the five seconds that a socket has to start."""
    meter = Meter(house)

    async def outlast(begin: Callable[[Stranger, ClientConnection], Awaitable[None]]) -> tuple[int | None, float]:
        async with await stranger.open_stream() as socket:
            began = time.monotonic()
            talking = asyncio.ensure_future(begin(stranger, socket))
            code = await close_code(socket)
            talking.cancel()
            await asyncio.wait({talking})
            return code, time.monotonic() - began

    async with asyncio.timeout(8):
        ends = await asyncio.gather(*(outlast(begin) for begin in (_say_nothing, _say_connected, _dribble)))
    assert [code for code, _ in ends] == [POLICY] * 3
    assert all(seconds > 4.5 for _, seconds in ends)
    assert meter.connections == 0


async def test_a_crowd_without_tickets_is_kept_small(phone: PhoneProcess, house: House, stranger: Stranger) -> None:
    """The service bounds signed sockets without a ticket, and accepts a real call as soon as they are closed."""
    sockets = [await stranger.open_stream() for _ in range(25)]

    def turned_away() -> list[int]:
        return [socket.close_code for socket in sockets if socket.close_code is not None]

    await until(lambda: len(turned_away()) >= 5)
    await asyncio.sleep(0.2)
    assert turned_away() == [1013] * 5
    for socket in sockets:
        await socket.close()
    async with Caller(house.exchange, phone.url) as caller:
        await caller.greeted()


async def test_a_replayed_webhook_opens_one_model_stream(phone: PhoneProcess, house: House, stranger: Stranger) -> None:
    """Fifty replays of one webhook, whose signature has no date, cause one stream, one slot and one ticket."""
    meter = Meter(house)
    answers = await asyncio.gather(*(stranger.send(stranger.webhook()) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    (invitation,) = {invitation_in(answer.text) for answer in answers}
    assert await phone.sessions() == 1
    async with await stranger.open_stream() as socket:
        await stranger.begin(socket, invitation.ticket)
        await until(lambda: bool(phone.lines("model_session_started", call_sid=stranger.call_sid)))
    await phone.record(stranger.call_sid)
    later = await asyncio.gather(*(stranger.send(stranger.webhook()) for _ in range(50)))
    assert {answer.status_code for answer in later} == {200}
    assert await phone.sessions() == 0
    assert meter.streams == meter.connections == 1
