"""The playout clock knows when the agent's audio ends."""

import pytest

from phone_agent.playout import MarkOutcome, PlayoutClock


def test_nothing_plays_at_first() -> None:
    """A new call is silent."""
    clock = PlayoutClock()
    assert not clock.is_playing(100.0)
    assert clock.remaining(100.0) == 0.0


def test_sound_plays_at_its_own_pace_however_fast_it_came() -> None:
    """A second of audio that is sent at once ends after a second."""
    clock = PlayoutClock()
    for _ in range(10):
        clock.sent(800, 100.0)
    assert clock.playing_until == pytest.approx(101.0)
    assert clock.remaining(100.25) == pytest.approx(0.75)
    assert clock.is_playing(100.99)
    assert not clock.is_playing(101.0)


def test_sound_after_a_pause_plays_at_once() -> None:
    """Time with an empty buffer is not subtracted from the next audio."""
    clock = PlayoutClock()
    clock.sent(800, 100.0)
    clock.sent(800, 105.0)
    assert clock.playing_until == pytest.approx(105.1)


def test_clearing_drops_what_was_not_played() -> None:
    """At a barge-in the clock knows how much of the sent audio is dropped."""
    clock = PlayoutClock()
    clock.sent(8000, 100.0)
    clock.sent(8000, 100.0)
    assert clock.cleared(100.5) == 1500
    assert not clock.is_playing(100.5)
    clock.sent(800, 102.0)
    assert clock.remaining(102.0) == pytest.approx(0.1)


def test_clearing_nothing_is_harmless() -> None:
    """An empty buffer may be cleared, even before the first audio."""
    clock = PlayoutClock()
    assert clock.cleared(5.0) == 0
    clock.sent(800, 10.0)
    assert clock.cleared(20.0) == 0


def test_mark_that_is_out_means_the_agent_is_still_heard() -> None:
    """Audio is heard later than it is sent; the mark reports its end."""
    clock = PlayoutClock()
    clock.sent(8000, 100.0)
    clock.marked("a1")
    assert clock.is_playing(101.2)
    assert clock.mark_echoed("a1", 101.3) is MarkOutcome.PLAYED
    assert not clock.is_playing(101.3)


def test_lost_mark_does_not_speak_for_ever() -> None:
    """A mark that Twilio never returns does not keep the agent speaking."""
    clock = PlayoutClock()
    clock.sent(8000, 100.0)
    clock.marked("a1")
    assert not clock.is_playing(103.5)


def test_mark_corrects_the_clock() -> None:
    """A mark in the middle reports how much is left, whatever the clock computed."""
    clock = PlayoutClock()
    clock.sent(8000, 100.0)
    clock.marked("first second")
    clock.sent(8000, 100.0)
    assert clock.mark_echoed("first second", 101.4) is MarkOutcome.PLAYED
    assert clock.playing_until == pytest.approx(102.4)


def test_mark_that_was_cleared_says_nothing_was_heard() -> None:
    """``clear`` returns all marks at once; they do not move the clock of the next answer."""
    clock = PlayoutClock()
    clock.sent(8000, 100.0)
    clock.marked("a1")
    clock.cleared(100.2)
    clock.sent(800, 100.3)
    assert clock.mark_echoed("a1", 100.35) is MarkOutcome.CLEARED
    assert clock.playing_until == pytest.approx(100.4)


def test_unknown_or_repeated_mark_is_ignored() -> None:
    """A mark that is unknown or repeated changes nothing."""
    clock = PlayoutClock()
    clock.sent(8000, 100.0)
    clock.marked("a1")
    assert clock.mark_echoed("other", 100.1) is MarkOutcome.UNKNOWN
    assert clock.mark_echoed("a1", 101.0) is MarkOutcome.PLAYED
    assert clock.mark_echoed("a1", 101.1) is MarkOutcome.UNKNOWN


def test_marks_that_never_return_are_forgotten() -> None:
    """A peer that returns no marks cannot fill the memory."""
    clock = PlayoutClock()
    for number in range(1000):
        clock.marked(f"a{number}")
    assert clock.mark_echoed("a0", 1.0) is MarkOutcome.UNKNOWN
    assert clock.mark_echoed("a999", 1.0) is MarkOutcome.PLAYED
    assert len(clock._marks) < 300
