"""One stream over our own HTTP/2: windows, deadlines, PING, and both ends of a stream."""

import asyncio
import base64
import struct

import pytest

from agent_core.errors import ModelError
from agent_core.nova.http2 import event_stream
from agent_core.nova.http2.event_stream import MessageDecoder, string_header
from agent_core.nova.http2.link import KEEPALIVE_SECONDS, LOST_SECONDS
from agent_core.nova.http2.model_stream import SEND_SECONDS
from tests.support.http2_wire import (
    ACCEPTED,
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    HELLO,
    PING,
    RESPONSE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Peer,
    frame,
    literal,
    setting,
)

WINDOW = 65_535
"""The service's windows, unless it says otherwise (RFC 9113, 6.9.2)."""


def event(payload: bytes) -> bytes:
    """Return an event of the model in a DATA frame."""
    headers = string_header(":message-type", "event") + string_header(":event-type", "chunk")
    message = event_stream.encode(headers, b'{"bytes":"%b"}' % base64.b64encode(payload))
    return frame(DATA, 0, 1, message)


def credit(amount: int, stream: int) -> bytes:
    """Let the client send more."""
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", amount))


def sent(peer: Peer) -> bytes:
    """Return the request's body so far."""
    return b"".join(payload for kind, _, stream, payload in peer.heard if (kind, stream) == (DATA, 1))


async def fill(peer: Peer) -> int:
    """Send until the service's windows are used up; return how many events were accepted."""
    count = 0
    while not peer.link.is_blocked:
        await peer.stream.send(b"x" * 10_000)
        count += 1
    return count


async def test_sending_waits_for_the_services_window() -> None:
    """No byte more than the window leaves; with credit the rest follows, in order and with every signature."""
    peer = Peer()
    peer.say(ACCEPTED)
    count = await fill(peer)
    assert len(sent(peer)) == WINDOW
    waiting = asyncio.create_task(peer.stream.send(b"last"))
    await asyncio.sleep(1)
    assert not waiting.done()
    peer.say(credit(1_000_000, 1))  # the stream's alone is not enough
    await asyncio.sleep(1)
    assert not waiting.done()
    peer.say(credit(1_000_000, 0))
    await waiting
    messages = MessageDecoder().feed(sent(peer))
    assert len(messages) == count + 1


async def test_a_service_that_reads_nothing_is_given_up() -> None:
    """Sending fails after its deadline, and closing is still bounded: the unsent end becomes a reset."""
    peer = Peer()
    peer.say(ACCEPTED)
    await fill(peer)
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(ModelError, match="SendTimeout"):
        await peer.stream.send(b"{}")
    assert loop.time() - began == pytest.approx(SEND_SECONDS, abs=0.1)
    await peer.stream.close()
    assert peer.heard_of(RST_STREAM) == 1
    assert peer.heard_of(GOAWAY) == 1
    assert peer.wire.is_closed


async def test_several_tasks_may_wait() -> None:
    """One task waits for the headers, one for an event and one to send; a fourth that is cancelled disturbs none."""
    peer = Peer()
    await fill(peer)
    tasks = [
        asyncio.create_task(work)
        for work in (peer.stream.ready(), peer.stream.receive(), peer.stream.send(b"{}"), peer.stream.ready())
    ]
    await asyncio.sleep(0.1)
    tasks.pop().cancel()
    await asyncio.sleep(0.1)
    peer.say(ACCEPTED + credit(1_000_000, 1) + credit(1_000_000, 0) + event(b"1"))
    async with asyncio.timeout(1):
        assert await asyncio.gather(*tasks) == [None, b"1", None]


async def test_a_cancelled_send_signs_nothing() -> None:
    """An event that is not sent is not signed either, so that the next one continues the chain."""
    peer = Peer()
    peer.say(ACCEPTED)
    count = await fill(peer)
    waiting = asyncio.create_task(peer.stream.send(b"never"))
    await asyncio.sleep(0.1)
    waiting.cancel()
    await asyncio.wait({waiting})
    peer.say(credit(1_000_000, 1) + credit(1_000_000, 0))
    await peer.stream.send(b"next")
    assert len(MessageDecoder().feed(sent(peer))) == count + 1


async def test_a_full_socket_holds_sending_back() -> None:
    """A network that is slower than the caller makes sending wait, like a window."""
    peer = Peer()
    peer.say(ACCEPTED)
    peer.link.pause_writing()
    waiting = asyncio.create_task(peer.stream.send(b"{}"))
    await asyncio.sleep(1)
    assert not waiting.done()
    peer.link.resume_writing()
    await waiting


async def test_settings_change_the_window_and_the_frames_of_an_open_stream() -> None:
    """The window may shrink below what was sent, then grow (6.9.2); frames are no longer than allowed."""
    peer = Peer()
    peer.say(ACCEPTED)
    await peer.stream.send(b"x" * 5000)
    peer.say(setting(4, 100))
    before = len(sent(peer))
    for _ in range(2):
        if not peer.link.is_blocked:
            await peer.stream.send(b"y" * 100)
    assert len(sent(peer)) == before
    peer.say(setting(4, 60_000) + setting(5, 20_000))
    await peer.stream.send(b"z" * 20_000)
    longest = max(len(payload) for kind, _, _, payload in peer.heard if kind == DATA)
    assert 16_384 < longest <= 20_000
    assert sum(flags == ACK for kind, flags, _, _ in peer.heard if kind == SETTINGS) == 4


async def test_what_is_read_is_credited_and_what_is_not_read_is_not() -> None:
    """The service gets credit for events that were read; an unread stream costs a bounded amount of memory."""
    peer = Peer()
    peer.say(ACCEPTED)
    initial = peer.heard_of(WINDOW_UPDATE)
    for _ in range(60):
        peer.say(event(b"x" * 10_000))
    held = peer.heard_of(WINDOW_UPDATE)
    for _ in range(60):
        assert len(await peer.stream.receive() or b"") == 10_000
    assert peer.heard_of(WINDOW_UPDATE) > held >= initial
    for _ in range(300):  # four megabytes, four times the window
        peer.say(event(b"x" * 10_000))
        assert len(await peer.stream.receive() or b"") == 10_000


async def test_a_ping_is_answered() -> None:
    """The answer has the bytes of the question."""
    peer = Peer()
    peer.say(ACCEPTED + frame(PING, 0, 0, b"question"))
    assert [(flags, payload) for kind, flags, _, payload in peer.heard if kind == PING] == [(ACK, b"question")]


async def test_a_silent_service_is_asked_and_then_given_up() -> None:
    """Silence is normal while the model listens: a PING decides whether the connection still exists."""
    peer = Peer()
    peer.say(ACCEPTED)
    reader = asyncio.create_task(peer.stream.receive())
    for answered in range(1, 4):
        await asyncio.sleep(KEEPALIVE_SECONDS + 1)
        assert peer.heard_of(PING) == answered
        peer.say(frame(PING, ACK, 0, bytes(8)))
    assert not reader.done()
    began = asyncio.get_running_loop().time()
    with pytest.raises(ModelError, match="ConnectionLost"):
        await reader
    assert asyncio.get_running_loop().time() - began <= LOST_SECONDS
    assert peer.wire.is_closed


async def test_both_sides_may_end_first() -> None:
    """Ours ends with a signed empty message; the service's end is no error, and its last events are still read."""
    peer = Peer()
    peer.say(ACCEPTED + event(b"1") + event(b"2") + frame(DATA, END_STREAM, 1))
    assert [await peer.stream.receive() for _ in range(4)] == [b"1", b"2", None, None]
    with pytest.raises(ModelError, match="StreamEnded"):
        await peer.stream.send(b"{}")
    await peer.stream.close()

    peer = Peer()
    peer.say(ACCEPTED)
    closing = asyncio.create_task(peer.stream.close())
    await asyncio.sleep(0)
    (message,) = MessageDecoder().feed(sent(peer))
    assert message.payload == b""
    assert [flags for kind, flags, _, _ in peer.heard if kind == DATA][-1] & END_STREAM
    peer.say(frame(DATA, END_STREAM, 1))
    await closing
    assert peer.heard_of(RST_STREAM) == 0
    assert await peer.stream.receive() is None


async def test_a_reset_behind_the_end_is_no_error() -> None:
    """A service that needs no more of the request says so with RST_STREAM after its response (8.1)."""
    peer = Peer()
    peer.say(ACCEPTED + event(b"1") + frame(DATA, END_STREAM, 1) + frame(RST_STREAM, 0, 1, bytes(4)))
    assert await peer.stream.receive() == b"1"
    assert await peer.stream.receive() is None


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (frame(RST_STREAM, 0, 1, struct.pack(">I", 7)), "StreamReset: the service reset the stream: REFUSED_STREAM"),
        (frame(RST_STREAM, 0, 1, struct.pack(">I", 99)), "StreamReset: the service reset the stream: code 99"),
        (frame(GOAWAY, 0, 0, struct.pack(">II", 1, 2)), "GoAway: the service closes the connection: INTERNAL_ERROR"),
        (frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0)), "GoAway: the service closes the connection: NO_ERROR"),
    ],
)
async def test_what_arrived_before_a_reset_is_read(content: bytes, kind: str) -> None:
    """Events come first, then the error with the service's reason."""
    peer = Peer()
    peer.say(ACCEPTED + event(b"1") + content)
    assert await peer.stream.receive() == b"1"
    with pytest.raises(ModelError) as failed:
        await peer.stream.receive()
    assert failed.value.reason == f"nova_sonic: {kind}"


async def test_a_connection_that_breaks_is_an_error() -> None:
    """Without the end of the response, the end of the connection is a failure."""
    peer = Peer()
    peer.say(ACCEPTED)
    reader = asyncio.create_task(peer.stream.receive())
    await asyncio.sleep(0)
    peer.wire.close()
    with pytest.raises(ModelError, match="ConnectionLost"):
        await reader


@pytest.mark.parametrize("alpn", [None, "http/1.1"])
async def test_without_http2_nothing_is_sent(alpn: str | None) -> None:
    """A service that chose another protocol gets no byte of ours."""
    peer = Peer(alpn)
    with pytest.raises(ModelError, match="HTTP/2 could not be negotiated"):
        peer.stream.check_open()
    assert peer.wire.written == b""


@pytest.mark.parametrize(
    ("status", "header", "body", "kind"),
    [
        (b"429", b"ThrottlingException:http://x/", b'{"message":"slow"}', "ThrottlingException: slow"),
        (b"400", b"", b'{"__type":"com.amazon#ValidationException","Message":"bad"}', "ValidationException: bad"),
        (b"503", b"", b"<html>", "ServiceUnavailableException: status 503"),
        (b"403", b"", b"", "AccessDeniedException: status 403"),
        (b"301", b"", b"", "UnexpectedResponse: status 301"),
        (b"500", b"", b"x" * 70_000, "InternalServerException: status 500"),
    ],
)
async def test_a_refusal_has_its_name(status: bytes, header: bytes, body: bytes, kind: str) -> None:
    """The name is in a header or in the body; a proxy's answer has the meaning of its status; long bodies are cut."""
    peer = Peer()
    fields = literal(b":status", status) + (literal(b"x-amzn-errortype", header) if header else b"")
    pieces = b"".join(frame(DATA, 0, 1, body[at : at + 16_000]) for at in range(0, len(body), 16_000))
    peer.say(HELLO + frame(HEADERS, END_HEADERS, 1, fields) + pieces + frame(DATA, END_STREAM, 1))
    with pytest.raises(ModelError) as failed:
        await peer.stream.ready()
    assert failed.value.reason == f"nova_sonic: {kind}"


async def test_a_response_that_does_not_come_has_a_deadline() -> None:
    """The wait for headers ends; a refusal whose body never ends has the same deadline."""
    for content in (HELLO, HELLO + frame(HEADERS, END_HEADERS, 1, literal(b":status", b"500"))):
        peer = Peer()
        peer.say(content)
        with pytest.raises(ModelError, match="NoResponse: nothing within 4 s"):
            await peer.stream.ready()
        await peer.stream.close()
        assert peer.wire.is_closed


async def test_an_exception_of_the_service_ends_the_stream() -> None:
    """Events before it are read; an unmodelled error has its code."""
    headers = string_header(":message-type", "error") + string_header(":error-code", "Odd")
    peer = Peer()
    peer.say(HELLO + RESPONSE + event(b"1") + frame(DATA, 0, 1, event_stream.encode(headers, b"")))
    assert await peer.stream.receive() == b"1"
    with pytest.raises(ModelError, match="nova_sonic: Odd"):
        await peer.stream.receive()
