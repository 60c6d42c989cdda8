"""SIP as the stand-ins send it: messages, addresses, audio."""

import asyncio
import errno
import socket
from typing import Any

import pytest

from standins.sip import SipPhone, rtp, sdp
from standins.sip.address import BadAddressError, read
from standins.sip.dialog import Dialog, reply
from standins.sip.message import MalformedSipError, cut, parse
from standins.twilio.sip_leg import reachable


def invitation() -> bytes:
    """Return an invitation."""
    dialog = Dialog("sip:desk@127.0.0.1:5070", "+15005550006", ("127.0.0.1", 5060), "UDP")
    return dialog.invite((("X-Call-Summary", "hello"),), sdp.describe("127.0.0.1", 4000, 7)).encode()


def test_an_invitation_is_read_as_it_was_written() -> None:
    """An invitation is parsed with its method, headers, body and audio address."""
    message = parse(invitation())
    assert (message.method, message.uri) == ("INVITE", "sip:desk@127.0.0.1:5070")
    assert message.header("x-call-summary") == "hello"
    assert message.sequence == (1, "INVITE")
    assert sdp.where_to_send(message) == ("127.0.0.1", 4000)


def test_compact_and_folded_headers_are_understood() -> None:
    """Compact and folded headers are parsed, because other telephones send them."""
    raw = b"SIP/2.0 200 OK\r\nv: SIP/2.0/UDP a\r\nI: 1\r\nt: <sip:a>;\r\n tag=2\r\nCSeq: 1 INVITE\r\nl: 0\r\n\r\n"
    message = parse(raw)
    assert (message.status, message.header("call-id"), message.header("to")) == (200, "1", "<sip:a>; tag=2")


@pytest.mark.parametrize(
    "raw", [b"", b"hello", b"INVITE sip:a SIP/2.0\r\n\r\n", b"\xff\r\n\r\n", b"A B C\r\nCSeq: x\r\n\r\n"]
)
def test_what_is_no_message_is_refused(raw: bytes) -> None:
    """Every invalid message raises the same kind of error."""
    with pytest.raises(MalformedSipError):
        parse(raw)


def test_a_stream_is_cut_into_messages_wherever_it_was_torn() -> None:
    """A TCP stream is split into messages at any boundary of its chunks."""
    stream = b"\r\n\r\n" + invitation() + invitation()
    buffer, found = bytearray(), []
    for byte in stream:
        buffer.append(byte)
        while raw := cut(buffer):
            found.append(raw)
    assert len(found) == 2
    assert all(parse(raw).method == "INVITE" for raw in found)


def test_a_refusal_is_confirmed_on_the_branch_of_the_invitation() -> None:
    """A rejection is acknowledged on the invitation's branch (RFC 3261, 17.1.1.3), an acceptance on a new one."""
    dialog = Dialog("sip:desk@127.0.0.1:5070", "+15005550006", ("127.0.0.1", 5060), "UDP")
    request = dialog.invite((), b"")
    refused = dialog.acknowledge(reply(request, 486, "Busy Here", tag="t"))
    assert refused.header("via") == request.header("via")
    assert refused.header("to").endswith(";tag=t")
    accepted = dialog.acknowledge(reply(request, 200, "OK", tag="t", description=("<sip:desk@10.0.0.9:9>", b"")))
    assert accepted.header("via") != request.header("via")
    assert accepted.uri == "sip:desk@10.0.0.9:9"
    assert dialog.bye().sequence == (2, "BYE")


@pytest.mark.parametrize(
    "text", ["tel:+1500", "sip:", "sip:a@b:x", "sip:a@b?Via=1", "sip:a@b?X-A=" + "x" * 1024, "sip:" + "a" * 260 + "@b"]
)
def test_what_twilio_does_not_call_is_not_called(text: str) -> None:
    """An address that Twilio does not dial is rejected, such as one beyond its limits."""
    with pytest.raises(BadAddressError):
        read(text)


def test_only_this_machine_is_rung() -> None:
    """Only loopback addresses are dialled, whatever a document says."""
    assert reachable("sip:desk@pbx.example") is None
    assert reachable("tel:+15005550006") is None
    address = reachable("sip:desk@127.0.0.1:5070;transport=TCP?X-A=1%202")
    assert address is not None
    assert (address.port, address.transport, address.headers) == (5070, "tcp", (("X-A", "1 2"),))
    assert address.uri == "sip:desk@127.0.0.1:5070;transport=TCP"


def test_sound_goes_in_numbered_packets() -> None:
    """Audio has increasing numbers and timestamps, a marked first packet, and only its own payload type."""
    packets = rtp.Packets()
    first, second = packets.next(b"a" * 160), packets.next(b"b" * 160)
    assert rtp.sound_in(first) == b"a" * 160
    assert first[1] == 0x80
    assert second[1] == 0
    assert int.from_bytes(second[2:4]) == int.from_bytes(first[2:4]) + 1
    assert int.from_bytes(second[4:8]) == int.from_bytes(first[4:8]) + 160
    assert rtp.sound_in(bytes([0x80, 101]) + first[2:]) == b""
    assert rtp.sound_in(b"\x80") == b""


async def test_a_port_that_is_free_for_datagrams_alone_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that is free for UDP alone is not used, and a requested one is reported as in use."""
    start, refused = asyncio.start_server, 0

    async def taken_twice(serve: Any, host: str, port: int) -> asyncio.Server:  # noqa: ANN401 - passed on
        nonlocal refused
        if refused < 2:
            refused += 1
            raise OSError(errno.EADDRINUSE, "address already in use")
        return await start(serve, host, port)

    monkeypatch.setattr(asyncio, "start_server", taken_twice)
    async with SipPhone() as person:
        assert (refused, person.port > 0) == (2, True)
    with socket.create_server(("127.0.0.1", 0)) as held, pytest.raises(OSError, match="in use"):
        await SipPhone(port=held.getsockname()[1]).__aenter__()
