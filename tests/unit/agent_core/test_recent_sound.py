"""The caller's last seconds: what a second stream gets, and whether the caller is quiet now."""

from agent_core.nova.replay_buffer import KEPT_SECONDS, ReplayBuffer

QUIET = b"\x40\x00" * 320
LOUD = b"\x00\x20" * 320
"""40 ms at 8 kHz."""


def _after(*pieces: bytes) -> ReplayBuffer:
    replay_buffer = ReplayBuffer(8000)
    for piece in pieces:
        replay_buffer.hear(piece)
    return replay_buffer


def test_a_quiet_line_is_no_speech() -> None:
    """Line noise does not count as speech."""
    replay_buffer = _after(*[QUIET] * 100)
    assert not replay_buffer.speaking
    assert replay_buffer.unheard() == []


def test_what_goes_on_without_a_breath_is_no_speech() -> None:
    """A car is loud for an hour; words that the model has just understood still count as speech."""
    replay_buffer = ReplayBuffer(8000)
    speaking = []
    for _ in range(380):
        replay_buffer.hear(LOUD)
        speaking.append(replay_buffer.speaking)
    assert speaking == [True] * 374 + [False] * 6
    assert not replay_buffer.pauses
    replay_buffer.signed()
    replay_buffer.hear(LOUD)
    assert replay_buffer.speaking


def test_a_long_story_is_speech() -> None:
    """A long story with pauses for breath counts as speech."""
    replay_buffer = _after(*([LOUD] * 250 + [QUIET] * 20) * 6, LOUD)
    assert replay_buffer.speaking


def test_a_sentence_is_kept_with_its_pauses() -> None:
    """A sentence is kept with its pauses: a breath between words does not end it."""
    replay_buffer = _after(*[QUIET] * 50, *[LOUD] * 10, *[QUIET] * 10, *[LOUD] * 5)
    assert replay_buffer.speaking
    assert len(replay_buffer.unheard()) == 25


def test_a_sentence_that_was_understood_is_not_given_again() -> None:
    """A sentence that the model has understood is not sent again."""
    replay_buffer = _after(*[LOUD] * 10, *[QUIET] * 5)
    replay_buffer.understood()
    assert replay_buffer.unheard() == []


def test_a_sound_that_nobody_reacts_to_is_forgotten() -> None:
    """A sound without a reaction is forgotten, so a cough is not repeated a minute later."""
    assert _after(*[LOUD] * 5, *[QUIET] * 60).unheard() == []


def test_no_more_than_three_seconds_are_given_again() -> None:
    """At most three seconds are sent again, so that a caller who talks for long is not answered twice."""
    pieces = _after(*[LOUD] * 500).unheard()
    assert len(b"".join(pieces)) <= KEPT_SECONDS * 16_000


def test_what_was_not_sent_is_given_though_it_is_quiet() -> None:
    """Quiet audio that was not sent yet is sent, so audio in a blocked stream is not lost."""
    assert _after(*[QUIET] * 50).unheard(3 * len(QUIET)) == [QUIET] * 3


def test_odd_and_empty_pieces_are_taken() -> None:
    """Pieces that are empty or end in half a sample are accepted."""
    replay_buffer = _after(b"", b"\x00", LOUD + b"\x01")
    assert replay_buffer.speaking
