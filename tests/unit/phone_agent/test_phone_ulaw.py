"""G.711 µ-law, against the decision values of the recommendation."""

from array import array
from bisect import bisect_right

import pytest

from phone_agent import ulaw


def decision_values() -> list[int]:
    """Return the lower bounds of the 128 steps of one sign in 16-bit units, as G.711 table 2a builds them.

    The first step is one unit of 14 bits wide, fifteen are two wide; then each segment of sixteen steps doubles.
    """
    bounds, at = [0], 1
    for segment in range(8):
        for step in range(16):
            if segment == step == 0:
                continue
            bounds.append(at)
            at += 2 << segment
    return [bound * 4 for bound in bounds]


def output_values() -> list[int]:
    """Return the output values of the 128 steps: the middle of each, and silence for the first."""
    values, at = [0], 1
    for segment in range(8):
        for step in range(16):
            if segment == step == 0:
                continue
            values.append((at + (1 << segment)) * 4)
            at += 2 << segment
    return values


def samples(pcm: bytes) -> array[int]:
    """Read 16-bit PCM."""
    return array("h", pcm)


def test_every_code_decodes_to_its_output_value() -> None:
    """All 256 codes match, with both signs; the codes count down and the sign bit is set for positive."""
    outputs = output_values()
    expected = [-outputs[0x7F - code] for code in range(128)] + [outputs[0xFF - code] for code in range(128, 256)]
    assert list(samples(ulaw.decode(bytes(range(256))))) == expected
    assert max(expected) == 32_124


def test_every_sample_encodes_to_the_step_it_lies_in() -> None:
    """All 65536 samples match, both signs alike."""
    bounds = decision_values()
    every = array("h", range(-32_768, 32_768))

    def code(sample: int) -> int:
        step = bisect_right(bounds, abs(sample)) - 1
        return (0x7F if sample < 0 else 0xFF) - step

    assert list(ulaw.encode(every.tobytes())) == [code(sample) for sample in every]


def test_known_codes() -> None:
    """Silence and the loudest sample of each sign have the codes that every telephone uses."""
    assert ulaw.encode(array("h", [0, 32_767, -32_768]).tobytes()) == b"\xff\x80\x00"


def test_nothing_is_nothing() -> None:
    """Empty audio stays empty."""
    assert ulaw.decode(b"") == ulaw.encode(b"") == b""


def test_half_a_sample_is_refused() -> None:
    """An odd number of bytes is rejected, because it is not 16-bit audio."""
    with pytest.raises(ValueError, match="multiple"):
        ulaw.encode(b"\x00\x00\x00")
