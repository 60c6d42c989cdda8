"""What Twilio's REST interface may do to us: a call is ended or redirected in time, or it is known that it was not."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from agent_core.errors import UpstreamError
from phone_agent.call_control import CallControl

_BYTE_SECONDS = 0.2
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n" + b" " * 1000


@asynccontextmanager
async def _trickling() -> AsyncIterator[tuple[CallControl, list[None]]]:
    """Serve an answer byte by byte; gives what asks for it, and counts the requests."""
    requests: list[None] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        requests.append(None)
        with suppress(ConnectionError):
            for byte in _ANSWER:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(_BYTE_SECONDS)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield CallControl(client, "AC1"), requests


@pytest.mark.parametrize(
    ("tell", "seconds", "tries"),
    [
        (lambda control: control.hang_up("CA1"), 5.0, 2),
        (lambda control: control.redirect("CA1", "<Response/>"), 3.5, 1),
    ],
    ids=["hang_up", "redirect"],
)
async def test_an_answer_that_trickles_is_given_up(
    tell: Callable[[CallControl], Coroutine[None, None, None]], seconds: float, tries: int
) -> None:
    """A byte now and then keeps no call from being cleared up, and no caller waiting."""
    async with _trickling() as (control, requests):
        with pytest.raises(UpstreamError, match="timeout"):
            async with asyncio.timeout(seconds):
                await tell(control)
    assert len(requests) == tries
