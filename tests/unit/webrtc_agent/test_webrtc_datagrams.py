"""Datagrams reach a connection within bounds, from any sender."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.clock import Clock
from webrtc_agent import connection
from webrtc_agent.connection import QUIET_SECONDS, AudioOnlyConnection
from webrtc_agent.datagrams import (
    BURST,
    MAX_BYTES,
    PER_SECOND,
    UNKNOWN_BURST,
    UNKNOWN_PER_SECOND,
    DatagramDoor,
)

VISITOR, STRANGER = ("192.0.2.1", 4000), ("198.51.100.1", 5000)


class Socket:
    """Stands for aioice's part of a connection."""

    def __init__(self) -> None:
        self.taken: list[tuple[bytes, object]] = []
        self.nominated: dict[int, object] = {}
        self.receiver = SimpleNamespace(_nominated=self.nominated)

    def datagram_received(self, data: bytes, address: object) -> None:
        """Accept one."""
        self.taken.append((data, address))

    def count(self, address: object) -> int:
        """Return the count of one sender."""
        return sum(each == address for _, each in self.taken)


def test_a_flood_ends_at_the_door() -> None:
    """The limit also holds before the visitor is known; a stranger uses up none of the visitor's share."""
    socket, clock = Socket(), Clock()
    door: Any = DatagramDoor(socket, clock)
    for _ in range(10_000):
        socket.datagram_received(b"x", VISITOR)
    assert len(socket.taken) == UNKNOWN_BURST
    socket.nominated[1] = SimpleNamespace(remote_addr=VISITOR)
    socket.taken.clear()
    for _ in range(10_000):
        clock.now += 0.001
        socket.datagram_received(b"x", STRANGER)
        socket.datagram_received(b"x", (*VISITOR, 0, 0))
    assert socket.count(STRANGER) <= 10 * UNKNOWN_PER_SECOND
    assert abs(socket.count((*VISITOR, 0, 0)) - BURST - 10 * PER_SECOND) < 2
    assert door


def test_no_datagram_is_larger_than_networks_carry() -> None:
    """A datagram larger than networks carry is dropped: decrypting 64 KB costs as much as a second of audio."""
    socket = Socket()
    door: Any = DatagramDoor(socket, Clock())
    socket.datagram_received(bytes(MAX_BYTES + 1), VISITOR)
    assert socket.taken == []
    assert door


async def test_the_door_is_there(answered: AudioOnlyConnection) -> None:
    """The filter is in front of every socket of a connection."""
    transport: Any = answered.pc.getTransceivers()[0].receiver.transport
    protocols = transport.transport._connection._protocols
    try:
        assert protocols
        assert all(isinstance(each.datagram_received.__self__, DatagramDoor) for each in protocols)
    finally:
        await connection.close(answered)


async def test_a_visitor_without_pings_is_there_as_long_as_datagrams_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """A visitor whose network fails before the first ping is missed as soon as any other."""
    clock, socket = Clock(), Socket()
    monkeypatch.setattr(connection, "time", SimpleNamespace(monotonic=clock))
    web_session: Any = AudioOnlyConnection(15)
    web_session._connect_invoked, web_session._pc = True, SimpleNamespace(connectionState="connected")
    web_session._doors = (DatagramDoor(socket, clock),)
    socket.nominated[1] = SimpleNamespace(remote_addr=VISITOR)
    for _ in range(60):
        clock.now += QUIET_SECONDS - 1
        socket.datagram_received(b"x", VISITOR)
        socket.datagram_received(b"x", STRANGER)
        assert web_session.is_connected()
    clock.now += QUIET_SECONDS
    socket.datagram_received(b"x", STRANGER)
    assert not web_session.is_connected()


def test_only_the_visitors_audio_takes_the_shortcut() -> None:
    """A datagram of a stranger, or one that the shortcut leaves, goes to aioice; one beyond the limits goes nowhere."""
    socket, seen = Socket(), list[bytes]()

    def take(data: bytes) -> bool:
        seen.append(data)
        return data == b"audio"

    DatagramDoor(socket, Clock(), take)
    socket.datagram_received(b"audio", VISITOR)
    assert (seen, [data for data, _ in socket.taken]) == ([], [b"audio"])
    socket.nominated[1] = SimpleNamespace(remote_addr=VISITOR)
    socket.taken.clear()
    for data in (b"audio", b"stun", bytes(MAX_BYTES + 1)):
        socket.datagram_received(data, VISITOR)
    socket.datagram_received(b"audio", STRANGER)
    assert seen == [b"audio", b"stun"]
    assert socket.taken == [(b"stun", VISITOR), (b"audio", STRANGER)]
