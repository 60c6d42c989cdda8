"""The server bounds a request's head, body and trailer, and drops a peer that does not read."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio

from agent_core import uvicorn_protocols
from tests.support.small_service import small_service
from tests.support.waiting import until

GET = b"GET /none HTTP/1.1\r\nhost: a\r\n"
POST = b"POST /echo HTTP/1.1\r\nhost: a\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
MOST = 2 * 1024 * 1024
"""Most bytes that a test sends; the kernel's buffers take some of them in any case."""


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    """Serve a few routes."""
    async with small_service() as served:
        yield served


async def _exchange(port: int, *pieces: bytes) -> bytes:
    """Send, and return the response until the connection closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    with suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
    with suppress(ConnectionError):
        async with asyncio.timeout(uvicorn_protocols.REQUEST_SECONDS - 1):  # not the timeout of half a request
            while more := await reader.read(65_536):
                answer += more
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        ([b"GET /" + b"a" * 17_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n"], b"414"),
        ([GET + b"x: " + b"a" * 17_000 + b"\r\n\r\n"], b"431"),
        ([GET + b"a: b\r\n" * 101 + b"\r\n"], b"431"),
        ([GET + b"".join(b"x%d: %b\r\n" % (at, b"a" * 9000) for at in range(10)) + b"\r\n"], b"431"),
        ([GET + b"x: ", *[b"a" * 16_384] * (MOST // 16_384)], b"431"),
        ([GET + b"x", *[b"a" * 16_384] * (MOST // 16_384)], b"431"),
        ([b"GET /", *[b"a" * 16_384] * (MOST // 16_384)], b"4"),
        ([*[b"\r\n" * 8192] * (MOST // 16_384)], b"431"),
        ([GET + b"no header\r\n\r\n"], b"400"),
    ],
    ids=[
        "target",
        "field",
        "fields",
        "head",
        "endless-value",
        "endless-name",
        "endless-target",
        "newlines",
        "nonsense",
    ],
)
async def test_a_head_without_bound_is_refused(port: int, pieces: list[bytes], status: bytes) -> None:
    """The server answers an oversized head, and closes the connection without waiting for the rest."""
    answer = await _exchange(port, *pieces)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 " + status), answer[:60]


async def test_a_head_within_bounds_is_served(port: int) -> None:
    """The server accepts the largest head within the bound."""
    line = b"x: " + b"a" * (uvicorn_protocols.MAX_LINE_BYTES - 100) + b"\r\n"
    fields = b"a: b\r\n" * (uvicorn_protocols.MAX_FIELDS - 6)
    answer = await _exchange(port, GET + line * 3 + fields + b"connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize(
    "pieces",
    [
        [POST + CHUNKED + b"1\r\na\r\n0\r\n", b"a: b\r\n" * 20_000],
        [POST + CHUNKED + b"1\r\na\r\n0\r\nx: ", *[b"a" * 16_384] * 20],
        [POST + CHUNKED + b"1;", *[b"a" * 16_384] * 20],
        [POST + CHUNKED, b"1\r\na\r\n" * 40_000],
    ],
    ids=["trailers", "endless-trailer", "chunk-extension", "tiny-chunks"],
)
async def test_what_stands_beside_a_body_is_bounded(port: int, pieces: list[bytes]) -> None:
    """The server closes the connection on large trailers, chunk extensions and one-byte chunks."""
    answer = await _exchange(port, *pieces)
    assert b" 200 " not in answer


async def test_a_body_in_chunks_is_read(port: int) -> None:
    """The server accepts a body in chunks of ordinary size."""
    chunk = b"400\r\n" + b"a" * 1024 + b"\r\n"
    answer = await _exchange(port, POST + b"connection: close\r\n" + CHUNKED + chunk * 60 + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"a" * 1024 * 60) == 1


async def test_a_trailer_is_no_header(port: int) -> None:
    """A trailer after the body cannot replace a header that names the sender."""
    ask = POST.replace(b"/echo", b"/headers") + b"connection: close\r\n"
    answer = await _exchange(port, ask + CHUNKED + b"1\r\na\r\n0\r\nx-forwarded-for: 192.0.2.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"x-forwarded-for" not in answer


async def test_the_rest_of_an_answered_body_is_bounded(port: int) -> None:
    """The server drops a client that keeps sending a body after the response, within ten seconds."""
    ask = POST.replace(b"/echo", b"/unread") + b"content-length: 999999999\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(ask)
    await reader.readuntil(b"answered")
    async with asyncio.timeout(uvicorn_protocols.REQUEST_SECONDS - 1):
        with suppress(ConnectionError):
            while True:
                writer.write(bytes(16_384))
                await writer.drain()
    writer.close()


async def test_a_connection_queues_few_requests(port: int) -> None:
    """The server answers a few pipelined requests, but not a whole read buffer of them."""
    few = await _exchange(port, (GET + b"\r\n") * 5 + GET + b"connection: close\r\n\r\n")
    assert few.count(b"HTTP/1.1 404") == 6
    many = await _exchange(port, (GET + b"\r\n") * 5000)
    assert many.count(b"HTTP/1.1 404") <= uvicorn_protocols.MAX_PIPELINED


def _deaf(port: int) -> socket.socket:
    """Connect without reading anything."""
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.connect(("127.0.0.1", port))
    peer.settimeout(0)
    return peer


def _is_gone(peer: socket.socket, probe: bytes = b"x") -> bool:
    """Return whether the other end has dropped the connection, without reading from it."""
    try:
        peer.send(probe)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return False


async def test_who_does_not_read_an_answer_is_given_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server drops a peer that does not read the response, also one that keeps sending."""
    monkeypatch.setattr(uvicorn_protocols, "PROGRESS_SECONDS", 0.2)
    peer = _deaf(port)
    peer.send(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
    await until(lambda: _is_gone(peer), uvicorn_protocols.REQUEST_SECONDS - 2)
    peer.close()


async def test_who_reads_slowly_is_not_given_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server keeps a slow reader, because each check finds progress."""
    monkeypatch.setattr(uvicorn_protocols, "PROGRESS_SECONDS", 0.5)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=65_536)
    writer.write(b"GET /large HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    got = 0
    while piece := await reader.read(400_000):
        got += len(piece)
        await asyncio.sleep(0.02)
    assert got > 8_000_000
    writer.close()


async def test_who_does_not_read_before_a_close_is_given_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing waits only briefly for unsent bytes."""
    monkeypatch.setattr(uvicorn_protocols, "REQUEST_SECONDS", 0.2)
    monkeypatch.setattr(uvicorn_protocols, "CLOSE_SECONDS", 0.2)
    peer = _deaf(port)
    peer.send(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\nGET /hal")
    await until(lambda: _is_gone(peer), uvicorn_protocols.PROGRESS_SECONDS - 2)
    peer.close()


async def _deaf_socket(port: int, path: bytes) -> socket.socket:
    """Open a WebSocket whose peer reads nothing."""
    peer = _deaf(port)
    key = b"sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    peer.send(b"GET %b HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n" % path + key)
    await asyncio.sleep(0.1)
    return peer


async def test_a_socket_that_is_not_read_is_given_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server drops a WebSocket peer that does not read; an occasional pong buys no time."""
    monkeypatch.setattr(uvicorn_protocols, "PROGRESS_SECONDS", 0.2)
    peer = await _deaf_socket(port, b"/flood")
    await until(lambda: _is_gone(peer, b"\x8a\x80\x00\x00\x00\x00"), 8.0)
    peer.close()


async def test_pings_whose_answers_are_not_read_are_bounded(port: int) -> None:
    """The server answers pings at once, but drops a peer with a megabyte of unread pongs."""
    peer = await _deaf_socket(port, b"/talk")
    pings = (b"\x89\xfd\x00\x00\x00\x00" + bytes(125)) * 500
    async with asyncio.timeout(uvicorn_protocols.PROGRESS_SECONDS - 2):
        with suppress(ConnectionError):
            while True:
                await asyncio.get_running_loop().sock_sendall(peer, pings)
    peer.close()
