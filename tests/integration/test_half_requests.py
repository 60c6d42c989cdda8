"""The server closes incomplete requests and idle connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect

from agent_core import uvicorn_protocols
from tests.support.small_service import small_service

PATIENCE = 0.4
HEAD = b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK"


@pytest_asyncio.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """Serve an echo with short timeouts."""
    monkeypatch.setattr(uvicorn_protocols, "REQUEST_SECONDS", PATIENCE)
    async with small_service() as served:
        yield served


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"POST /echo HTT"],
        [HEAD[:-2]],
        [HEAD, b"ab"],
        [HEAD + b"abcd", b"\r\n"],
        [HEAD + b"abcd", HEAD[:20]],
        [b"GET /talk HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\n"],
    ],
)
async def test_half_a_request_is_given_up(port: int, pieces: list[bytes]) -> None:
    """The server closes a connection whose request stays incomplete at any point, also a second request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(PATIENCE / 4)
    async with asyncio.timeout(PATIENCE * 10):
        while await reader.read(65_536):
            pass
    writer.close()


async def _dribble(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b"x-more: 1\r\n")
        await asyncio.sleep(PATIENCE / 4)


async def test_a_dribble_does_not_buy_time(port: int) -> None:
    """Slow header lines do not extend the deadline."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /echo HTTP/1.1\r\n")
    dribbling = asyncio.create_task(_dribble(writer))
    async with asyncio.timeout(PATIENCE * 10):
        with suppress(ConnectionError):
            assert await reader.read() == b""
    dribbling.cancel()
    writer.close()


async def test_what_is_in_order_is_kept(port: int) -> None:
    """An idle keepalive connection and a quiet WebSocket stay open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with connect(f"ws://127.0.0.1:{port}/talk", proxy=None) as line:
        for _ in range(2):
            writer.write(HEAD + b"abcd")
            assert (await reader.readuntil(b"abcd")).startswith(ANSWER)
            await reader.readexactly(1)
            await asyncio.sleep(PATIENCE * 2)
        await line.send("late")
        assert await line.recv() == "late"
    writer.close()
