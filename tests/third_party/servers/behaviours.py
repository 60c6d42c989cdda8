"""What servers do with a stream, and what our own HTTP/2 must make of it."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

import pytest

from agent_core.errors import ModelError
from agent_core.nova.http2.client import Http2ModelClient
from agent_core.nova.http2.model_stream import Http2ModelStream

PAYLOAD: Final = os.urandom(24_000)
"""What the servers' one event carries: more than a frame, less than a window."""
EVENT_BYTES: Final = 32_000
"""At most what an event has on the wire: the payload in base64, and headers."""
_MEGABYTES: Final = 4
_PIECE: Final = bytes(12_000)

type Behaviour = Callable[[Http2ModelClient], Awaitable[None]]


@asynccontextmanager
async def _stream(client: Http2ModelClient, name: str) -> AsyncIterator[Http2ModelStream]:
    stream = await client.open(name)
    try:
        yield stream
    finally:
        async with asyncio.timeout(3):
            await stream.close()


def _one_event(name: str) -> Behaviour:
    """Expect one event, in spite of what the server does around it, and that both sides can send."""

    async def behave(client: Http2ModelClient) -> None:
        async with _stream(client, name) as stream:
            await stream.send(b"{}")
            await stream.ready()
            await stream.send(b"{}" * 100)
            assert await stream.receive() == PAYLOAD
            await stream.send(b"{}")

    return behave


def _fails(name: str, *kinds: str, may_end: bool = False) -> Behaviour:
    """Expect an error of one of these kinds, behind an event that a proxy may drop."""

    async def behave(client: Http2ModelClient) -> None:
        async with _stream(client, name) as stream:
            await stream.send(b"{}")
            try:
                while (event := await stream.receive()) is not None:
                    assert event == PAYLOAD
                assert may_end, "it ended without an error"
            except ModelError as error:
                assert error.kind in kinds, error.kind  # noqa: PT017 - an end may be right as well

    return behave


async def _large(client: Http2ModelClient) -> None:
    """Move megabytes in both directions at once, more than any window; the last event says that all has arrived."""
    async with _stream(client, "large") as stream, asyncio.TaskGroup() as both:
        # Base64 within base64 makes what is sent nearly twice as long.
        both.create_task(_send(stream, (_MEGABYTES << 20) // len(_PIECE)))
        for _ in range((_MEGABYTES << 20) // EVENT_BYTES + 2):
            assert await stream.receive() == PAYLOAD


async def _large_in_turns(client: Http2ModelClient) -> None:
    """Move megabytes first in one direction, then in the other."""
    async with _stream(client, "turns") as stream:
        for _ in range((_MEGABYTES << 20) // len(_PIECE)):
            if stream.has_events:
                break
            await stream.send(_PIECE)
        for _ in range((_MEGABYTES << 20) // EVENT_BYTES + 2):
            assert await stream.receive() == PAYLOAD


async def _send(stream: Http2ModelStream, pieces: int) -> None:
    for _ in range(pieces):
        await stream.send(_PIECE)


async def _stalls(client: Http2ModelClient) -> None:
    """Send to a server that does not read: sending waits, and ends with an error."""
    async with _stream(client, "stall") as stream:
        await stream.ready()
        with pytest.raises(ModelError) as failed:
            await _send(stream, 10_000)
    assert failed.value.kind == "SendTimeout"


async def _alpn_refused(client: Http2ModelClient) -> None:
    """Connect to a server that speaks HTTP/1.1 only."""
    with pytest.raises(ModelError) as failed:
        await client.open("events")
    # Node breaks off TLS, as RFC 7301 says; other servers choose HTTP/1.1 or nothing.
    assert failed.value.kind == "AlpnRefused" or isinstance(failed.value.__cause__, ssl.SSLError)
    assert client.health.is_given_up


LOST: Final = ("StreamReset", "ConnectionLost", "GoAway")
EVERYWHERE: Final[Mapping[str, Behaviour]] = {
    "an event and an orderly end": _one_event("events"),
    "4 MB to the server, then 4 MB back": _large_in_turns,
    "trailers": _one_event("trailers"),
    "an interim response (103)": _one_event("interim"),
    "RST_STREAM in the middle": _fails("rst", *LOST, may_end=True),
    "a connection that breaks": _fails("cut", *LOST, may_end=True),  # HAProxy ends such a response in order
    "a refusal (429)": _fails("refuse", "ThrottlingException"),
    "no response at all": _fails("silent", "NoResponse", "StreamReset"),
    "a request that is not read": _stalls,
}
"""Also with a proxy between client and server."""
AT_ONCE: Final[Mapping[str, Behaviour]] = {"4 MB in both directions at once": _large}
"""Not with HAProxy 2.6: on a busy machine it stops such a stream in both directions, although both sides have given it
room, and then also cuts short other responses."""
DIRECTLY: Final[Mapping[str, Behaviour]] = {
    "headers of 30 kB, in CONTINUATION": _one_event("headers"),
    "PING": _one_event("ping"),
    "windows of 10 bytes, then of 1 MB": _one_event("settings"),
    "a graceful GOAWAY": _one_event("goaway"),
    "GOAWAY with an error": _fails("leaves", *LOST),
}
"""What a proxy does not pass on."""
ALPN: Final[Mapping[str, Behaviour]] = {"HTTP/1.1 only": _alpn_refused}
