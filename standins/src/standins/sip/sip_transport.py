"""Transports for SIP and audio: UDP, and TCP for SIP."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, cast

from standins.sip.message import MalformedSipError, SipMessage, cut, parse

_OPEN_SECONDS: Final = 2.0
_TRIES: Final = 8
"""Number of ports to try: a port that is free for UDP may be in use for TCP."""

type Take = Callable[[SipMessage, "SipTransport"], None]


class SipTransport(Protocol):
    """Sends messages to one peer."""

    @property
    def transport(self) -> str:
        """``UDP`` or ``TCP``."""

    @property
    def local(self) -> tuple[str, int]:
        """Local address."""

    def send(self, message: SipMessage) -> None:
        """Send a message without waiting."""

    def close(self) -> None:
        """Release the transport."""


class Datagrams(asyncio.DatagramProtocol):
    """A UDP port that passes datagrams to a function."""

    def __init__(self, take: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._take = take
        self.endpoint: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self.endpoint = cast("asyncio.DatagramTransport", transport)  # uvloop's does not inherit it

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Pass the datagram on."""
        self._take(data, (addr[0], addr[1]))

    @property
    def port(self) -> int:
        """The bound port."""
        return 0 if self.endpoint is None else int(self.endpoint.get_extra_info("sockname")[1])

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        """Send a datagram, without retransmission."""
        if self.endpoint is not None and not self.endpoint.is_closing():
            self.endpoint.sendto(data, to)

    def close(self) -> None:
        """Release the port."""
        if self.endpoint is not None:
            self.endpoint.close()


async def open_datagrams(
    take: Callable[[bytes, tuple[str, int]], None], host: str = "127.0.0.1", port: int = 0
) -> Datagrams:
    """Bind a UDP port; 0 selects a free one.

    Raises:
        OSError: The port is in use.
    """
    _, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Datagrams(take), local_addr=(host, port)
    )
    return protocol


async def open_both(
    take: Callable[[bytes, tuple[str, int]], None],
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    port: int = 0,
) -> tuple[Datagrams, asyncio.Server]:
    """Bind one port for UDP and TCP; 0 selects one that is free for both.

    Raises:
        OSError: The port is in use.
    """
    # A system port that is free for UDP may be taken for TCP.
    tries = 1 if port else _TRIES
    while True:
        datagrams = await open_datagrams(take, port=port)
        try:
            return datagrams, await asyncio.start_server(serve, "127.0.0.1", datagrams.port)
        except OSError:
            datagrams.close()
            tries -= 1
            if not tries:
                raise


class UdpWay:
    """Sends to one address over UDP."""

    transport = "UDP"

    def __init__(self, port: Datagrams, local: tuple[str, int], to: tuple[str, int], *, owned: bool) -> None:
        self._port = port
        self._to = to
        self._owned = owned
        self.local = local

    def send(self, message: SipMessage) -> None:
        """Send a message without waiting."""
        self._port.send(message.encode(), self._to)

    def close(self) -> None:
        """Close the port, if this object owns it."""
        if self._owned:
            # A shared port stays open for other calls.
            self._port.close()


class TcpWay:
    """Sends over one TCP connection."""

    transport = "TCP"

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        host, port = writer.get_extra_info("sockname")[:2]
        self.local = (str(host), int(port))
        self.reading: asyncio.Task[None] | None = None

    def send(self, message: SipMessage) -> None:
        """Send a message without waiting."""
        if not self._writer.is_closing():
            self._writer.write(message.encode())

    def close(self) -> None:
        """Close the connection."""
        if self.reading is not None:
            self.reading.cancel()
        self._writer.close()

    async def read(self, reader: asyncio.StreamReader, take: Take) -> None:
        """Pass on every message until the connection ends or violates the protocol."""
        buffer = bytearray()
        with contextlib.suppress(MalformedSipError, OSError):
            while piece := await reader.read(65536):
                buffer += piece
                # One piece may contain several messages, or part of one.
                while raw := cut(buffer):
                    take(parse(raw), self)


async def connect(host: str, port: int, transport: str, take: Take) -> SipTransport:
    """Connect to a peer.

    Raises:
        OSError: Nothing listens there, or the transport is not supported.
    """
    if transport == "tcp":
        async with asyncio.timeout(_OPEN_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
        way = TcpWay(writer)
        way.reading = asyncio.create_task(way.read(reader, take))
        return way
    if transport != "udp":
        reason = f"{transport} is not supported by this stand-in"
        raise OSError(reason)
    found: list[UdpWay] = []

    def read(raw: bytes, _: tuple[str, int]) -> None:
        with contextlib.suppress(MalformedSipError):
            take(parse(raw), found[0])

    datagrams = await open_datagrams(read, host)
    found.append(UdpWay(datagrams, (host, datagrams.port), (host, port), owned=True))
    return found[0]
