"""A connection of our own HTTP/2 without a network: bytes of a service go in, and the client's come out.

Frames are spelled out here, so that no library judges itself.
"""

import asyncio
import struct
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from botocore.credentials import ReadOnlyCredentials

from agent_core.nova.http2.health import TransportHealth
from agent_core.nova.http2.link import Http2Link
from agent_core.nova.http2.model_stream import Http2ModelStream
from agent_core.nova.http2.signing import sign_request

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
_HEADER = 9
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
STATUS_200 = b"\x88"
"""HPACK: `:status: 200` is entry 8 of the static table."""
STATUS_103 = b"\x08\x03103"
"""HPACK: the name of entry 8 with a literal value, not indexed."""


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """Return one frame (RFC 9113, section 4.1)."""
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def setting(identifier: int, value: int) -> bytes:
    """Return a SETTINGS frame with one value."""
    return frame(SETTINGS, payload=struct.pack(">HI", identifier, value))


def literal(name: bytes, value: bytes) -> bytes:
    """Return a header as HPACK's literal that is not indexed."""
    return b"\x00%c%b%c%b" % (len(name), name, len(value), value)


HELLO = frame(SETTINGS)
"""The service's preface."""
RESPONSE = frame(HEADERS, END_HEADERS, 1, STATUS_200)
ACCEPTED = HELLO + RESPONSE


def frames_in(content: bytes) -> list[tuple[int, int, int, bytes]]:
    """Return type, flags, stream and payload of each frame; the client's preface is skipped."""
    found, content = [], content.removeprefix(PREFACE)
    while len(content) >= _HEADER:
        size = int.from_bytes(content[:3])
        found.append((content[3], content[4], int.from_bytes(content[5:9]), content[_HEADER : _HEADER + size]))
        content = content[_HEADER + size :]
    return found


class Wire(asyncio.Transport):
    """The network under a link, as a TLS transport shows it."""

    def __init__(self, protocol: asyncio.Protocol, alpn: str | None) -> None:
        super().__init__({"ssl_object": SimpleNamespace(selected_alpn_protocol=lambda: alpn)})
        self.written = bytearray()
        self.is_closed = False
        self._protocol = protocol

    def write(self, data: Any) -> None:  # noqa: ANN401 - of the standard library
        """Keep what the client sends."""
        self.written += data

    def close(self) -> None:
        """Close; the protocol is notified in the next turn of the loop."""
        if not self.is_closed:
            self.is_closed = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        """Close at once."""
        self.close()


class Peer:
    """The service at the other end of one stream.

    Args:
        alpn: What TLS negotiated.
    """

    def __init__(self, alpn: str | None = "h2") -> None:
        keys = ReadOnlyCredentials("AKIDEXAMPLE", "secret", None)
        headers, signer = sign_request(authority="localhost", model_id="m", keys=keys, region="us-east-1")
        self.given_up: list[str] = []
        self.health = TransportHealth(lambda: self.given_up.append("counted"))
        self.stream = Http2ModelStream(signer, "localhost", self.health)
        self.link = Http2Link(headers, self.stream)
        self.stream.attach(self.link)
        self.wire = Wire(self.link, alpn)
        self.link.connection_made(self.wire)

    def say(self, content: bytes, size: int = 1 << 20) -> None:
        """Send the client bytes, in pieces of a size."""
        for at in range(0, len(content), size):
            self.link.data_received(content[at : at + size])

    @property
    def heard(self) -> list[tuple[int, int, int, bytes]]:
        """The client's frames."""
        return frames_in(bytes(self.wire.written))

    def heard_of(self, kind: int, matches: Callable[[bytes], bool] = lambda _: True) -> int:
        """Return how many frames of a type the client sent."""
        return sum(1 for one, _, _, payload in self.heard if one == kind and matches(payload))
