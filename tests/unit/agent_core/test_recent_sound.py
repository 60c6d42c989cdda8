"""The caller's last seconds: what a second stream is given, and whether this moment is quiet."""

from agent_core.nova.replay_buffer import KEPT_SECONDS, ReplayBuffer

QUIET = b"\x40\x00" * 320
LOUD = b"\x00\x20" * 320
"""40 ms at 8 kHz."""


def _after(*pieces: bytes) -> ReplayBuffer:
    recent = ReplayBuffer(8000)
    for piece in pieces:
        recent.hear(piece)
    return recent


def test_a_quiet_line_is_no_speech() -> None:
    """Noise of a line asks for nothing."""
    recent = _after(*[QUIET] * 100)
    assert not recent.speaking
    assert recent.unheard() == []


def test_what_goes_on_without_a_breath_is_no_speech() -> None:
    """A car is loud for an hour; what the model has just understood was said all the same."""
    recent = ReplayBuffer(8000)
    speaking = []
    for _ in range(380):
        recent.hear(LOUD)
        speaking.append(recent.speaking)
    assert speaking == [True] * 374 + [False] * 6
    assert not recent.pauses
    recent.signed()
    recent.hear(LOUD)
    assert recent.speaking


def test_a_long_story_is_speech() -> None:
    """Whoever tells it breathes."""
    recent = _after(*([LOUD] * 250 + [QUIET] * 20) * 6, LOUD)
    assert recent.speaking


def test_a_sentence_is_kept_with_its_pauses() -> None:
    """A breath between words does not end it."""
    recent = _after(*[QUIET] * 50, *[LOUD] * 10, *[QUIET] * 10, *[LOUD] * 5)
    assert recent.speaking
    assert len(recent.unheard()) == 25


def test_a_sentence_that_was_understood_is_not_given_again() -> None:
    """The model has it already."""
    recent = _after(*[LOUD] * 10, *[QUIET] * 5)
    recent.understood()
    assert recent.unheard() == []


def test_a_sound_that_nobody_reacts_to_is_forgotten() -> None:
    """A cough is not repeated a minute later."""
    assert _after(*[LOUD] * 5, *[QUIET] * 60).unheard() == []


def test_no_more_than_three_seconds_are_given_again() -> None:
    """Whoever talks for long is not answered twice."""
    pieces = _after(*[LOUD] * 500).unheard()
    assert len(b"".join(pieces)) <= KEPT_SECONDS * 16_000


def test_what_was_not_sent_is_given_though_it_is_quiet() -> None:
    """Sound that waited in a stream that was stuck is not lost."""
    assert _after(*[QUIET] * 50).unheard(3 * len(QUIET)) == [QUIET] * 3


def test_odd_and_empty_pieces_are_taken() -> None:
    """Half a sample is no reason to fail."""
    recent = _after(b"", b"\x00", LOUD + b"\x01")
    assert recent.speaking
