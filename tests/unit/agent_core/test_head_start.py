"""How much silence to insert before an answer, so that its audio does not run dry."""

from agent_core.nova.audio_output import MAX_HEAD_START_SECONDS, HeadStart
from agent_core.nova.error_policy import Quirks

RATE = 8000
PIECE = b"\x01\x00" * (RATE * 80 // 1000)


def _gap(quirks: Quirks, *pieces: tuple[float, int]) -> float:
    """Play a block that arrives in bursts (time, pieces of 80 ms); return the longest silence inside it, in seconds."""
    start = HeadStart(quirks, RATE)
    start.begin()
    plays_until = longest = 0.0
    for at, count in pieces:
        for _ in range(count):
            silence = start.before(PIECE, at, 0.0)
            begins = max(at, plays_until)
            longest = max(longest, begins - plays_until if plays_until else 0.0)
            plays_until = begins + len(silence + PIECE) / 2 / RATE
    return longest


def test_bursts_leave_one_gap_in_a_process() -> None:
    """With bursts as in production (240 ms at once, then 0.4 s without audio), only the first answer has a gap."""
    quirks = Quirks()
    bursts = ((1.0, 3), (1.4, 10), (1.5, 20))
    assert 0.15 < _gap(quirks, *bursts) < 0.17
    assert 0.16 < quirks.head_start < 0.2
    learned = quirks.head_start
    assert _gap(quirks, *bursts) < 0.001
    assert quirks.head_start == learned


def test_an_even_model_costs_nothing() -> None:
    """Audio that arrives steadily and faster than real time gets no silence."""
    quirks = Quirks()
    assert _gap(quirks, *((1.0 + 0.03 * number, 1) for number in range(50))) < 0.001
    assert quirks.head_start == 0


def test_a_model_that_stalls_does_not_make_every_answer_late() -> None:
    """The head start that a stalling model causes is bounded."""
    quirks = Quirks()
    _gap(quirks, (1.0, 1), (4.0, 1))
    assert quirks.head_start == MAX_HEAD_START_SECONDS


def test_audio_behind_other_audio_needs_none() -> None:
    """The second sentence of an answer, or one after a recording, already has its head start."""
    start = HeadStart(Quirks(head_start=0.2), RATE)
    start.begin()
    assert start.before(PIECE, 1.0, 0.5) == b""
    start.begin()
    assert len(start.before(PIECE, 3.0, 0.0)) == 2 * RATE // 5
