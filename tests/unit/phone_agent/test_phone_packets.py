"""Packets for the model are complete, in order and of one length."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phone_agent import ulaw
from phone_agent.ulaw import Packetizer


def test_two_messages_make_a_packet() -> None:
    """Two times 20 ms become 40 ms of 16-bit audio."""
    packets = Packetizer()
    first, second = bytes([0x80]) * 160, bytes([0x00]) * 160
    assert packets.push(first) == []
    assert packets.push(second) == [ulaw.decode(first + second)]


def test_long_message_makes_several_packets() -> None:
    """A long message makes several packets, since Twilio does not promise 20 ms."""
    assert [len(packet) for packet in Packetizer(frame_ms=20).push(b"\xff" * 500)] == [320, 320, 320]


@pytest.mark.parametrize("frame_ms", [0, -20])
def test_packet_needs_a_length(frame_ms: int) -> None:
    """A packet length of zero is rejected: such a packet would never end."""
    with pytest.raises(ValueError, match="length"):
        Packetizer(frame_ms)


@settings(derandomize=True)
@given(st.lists(st.binary(max_size=700), max_size=12), st.sampled_from([20, 40, 60]))
def test_however_sound_comes_it_goes_on_complete(pieces: list[bytes], frame_ms: int) -> None:
    """Any pieces produce the same audio, in packets of one length; less than a packet waits for more."""
    packets = Packetizer(frame_ms)
    full = [packet for piece in pieces for packet in packets.push(piece)]
    assert {len(packet) for packet in full} <= {frame_ms * 16}
    whole = ulaw.decode(b"".join(pieces))
    assert whole.startswith(b"".join(full))
    assert len(whole) // (frame_ms * 16) == len(full)
