"""The rules of one media stream: any breach before ``start`` closes it; after ``start`` the call continues."""

from dataclasses import replace

import pytest

from phone_agent.media_stream import (
    CallerMedia,
    Connected,
    Dtmf,
    Inbound,
    MarkReturned,
    StreamStarted,
    StreamStopped,
    UnknownStreamEvent,
)
from phone_agent.stream_guard import GuardDecision, StreamGuard
from tests.support.clock import Clock

STREAM = "MZ" + "0" * 32
OTHER = "MZ" + "1" * 32


def start(
    stream: str = STREAM, encoding: str = "audio/x-mulaw", rate: int = 8000, tracks: str = "inbound"
) -> StreamStarted:
    """Begin a stream."""
    return StreamStarted(stream, "CA1", "AC1", {}, encoding, rate, 1, (tracks,))


def media(chunk: int, *, stream: str = STREAM, sequence: int | None = None) -> CallerMedia:
    """Return a piece of audio; sequence numbers start one earlier, with ``start``."""
    return CallerMedia(stream, chunk + 1 if sequence is None else sequence, chunk, chunk * 20, b"\xff" * 160)


def started(**limits: float) -> StreamGuard:
    """Return a guard whose stream has begun."""
    guard = StreamGuard(**limits)  # type: ignore[arg-type]
    assert guard.accept(Connected("Call")) is GuardDecision.ACCEPT
    assert guard.accept(start()) is GuardDecision.ACCEPT
    return guard


def test_an_ordinary_call_is_accepted() -> None:
    """Everything that Twilio sends in a call passes."""
    guard = started()
    messages: list[Inbound] = [
        media(1),
        media(2),
        Dtmf(STREAM, "5"),
        MarkReturned(STREAM, "a1"),
        media(3),
        StreamStopped(STREAM),
    ]
    assert [guard.accept(message) for message in messages] == [GuardDecision.ACCEPT] * 6
    assert guard.missing == 0


@pytest.mark.parametrize(
    "message",
    [media(1), Dtmf(STREAM, "1"), MarkReturned(STREAM, "a"), StreamStopped(STREAM), Connected("Call")],
    ids=lambda message: type(message).__name__,
)
def test_message_before_start_closes(message: Inbound) -> None:
    """A message before ``start`` closes the stream: a peer without a stream token is not heard."""
    guard = StreamGuard()
    guard.accept(Connected("Call"))
    assert guard.accept(message) is GuardDecision.CLOSE


def test_malformed_message_before_start_closes() -> None:
    """A malformed message before ``start`` closes the stream at once."""
    assert StreamGuard().malformed() is GuardDecision.CLOSE


@pytest.mark.parametrize(
    "message",
    [start(encoding="audio/opus"), start(rate=16_000), start(tracks="outbound")],
    ids=["encoding", "rate", "track"],
)
def test_stream_that_we_cannot_read_closes(message: StreamStarted) -> None:
    """A stream in another format is closed: its audio would be noise to the model."""
    guard = StreamGuard()
    assert guard.accept(message) is GuardDecision.CLOSE
    assert guard.stream_sid is None


def test_start_without_connected_is_accepted() -> None:
    """A stream without ``connected`` is accepted, since the product needs nothing from it."""
    assert StreamGuard().accept(start()) is GuardDecision.ACCEPT


def test_unknown_event_is_ignored_but_not_for_ever_before_start() -> None:
    """An unknown event is ignored, but before ``start`` only a few are."""
    guard = StreamGuard(bad_limit=3)
    assert [guard.accept(UnknownStreamEvent("x")) for _ in range(3)] == [
        GuardDecision.DROP,
        GuardDecision.DROP,
        GuardDecision.CLOSE,
    ]
    after = started(bad_limit=3)
    assert {after.accept(UnknownStreamEvent("x")) for _ in range(500)} == {GuardDecision.DROP}


@pytest.mark.parametrize("message", [start(), start(OTHER), Connected("Call")], ids=["same", "other", "connected"])
def test_second_start_is_dropped(message: Inbound) -> None:
    """A second start cannot take over a running call."""
    guard = started()
    assert guard.accept(message) is GuardDecision.DROP
    assert guard.stream_sid == STREAM
    assert guard.accept(media(1)) is GuardDecision.ACCEPT


@pytest.mark.parametrize(
    "message",
    [media(1, stream=OTHER), Dtmf(OTHER, "0"), MarkReturned(OTHER, "a"), StreamStopped(OTHER)],
    ids=lambda message: type(message).__name__,
)
def test_message_of_another_stream_is_dropped(message: Inbound) -> None:
    """Audio of one call never reaches another, and only the call's own stream ends it."""
    guard = started()
    assert guard.accept(message) is GuardDecision.DROP
    assert guard.accept(media(1)) is GuardDecision.ACCEPT


def test_repeated_and_late_sound_is_dropped_and_gaps_are_counted() -> None:
    """Repeated and late audio is dropped, and gaps are counted."""
    guard = started()
    verdicts = {chunk: guard.accept(media(chunk)) for chunk in (1, 2, 5)}
    assert set(verdicts.values()) == {GuardDecision.ACCEPT}
    assert [guard.accept(media(chunk)) for chunk in (5, 3, 1)] == [GuardDecision.DROP] * 3
    assert guard.accept(media(6)) is GuardDecision.ACCEPT
    assert guard.missing == 2


def test_new_chunk_in_an_old_message_is_dropped() -> None:
    """A message that is sent again with another chunk number is still the same message."""
    guard = started()
    guard.accept(media(7))
    assert guard.accept(media(8, sequence=8)) is GuardDecision.DROP


def test_key_press_is_kept_wherever_it_comes() -> None:
    """Twilio does not guarantee an order between keys and audio; a lost key is worse than a late one."""
    guard = started()
    guard.accept(media(10))
    assert guard.accept(Dtmf(STREAM, "0")) is GuardDecision.ACCEPT


def test_sound_from_far_in_the_future_does_not_deafen_the_call() -> None:
    """Audio with one number far in the future does not make all later audio look old."""
    guard = started()
    guard.accept(media(1))
    assert guard.accept(media(10**12)) is GuardDecision.DROP
    assert guard.accept(media(2)) is GuardDecision.ACCEPT


def test_a_call_that_was_muted_for_minutes_is_heard_again() -> None:
    """A sequence number may jump as far as the timestamp does, but not alone."""
    guard = started()
    guard.accept(media(1))
    assert guard.accept(replace(media(9000), timestamp_ms=40)) is GuardDecision.DROP
    assert guard.accept(media(9000)) is GuardDecision.ACCEPT
    assert guard.accept(media(9001)) is GuardDecision.ACCEPT


def test_nothing_is_heard_after_stop() -> None:
    """After ``stop`` no audio is accepted."""
    guard = started()
    guard.accept(StreamStopped(STREAM))
    assert guard.accept(media(1)) is GuardDecision.DROP
    assert guard.accept(Dtmf(STREAM, "1")) is GuardDecision.DROP


def test_too_many_bad_messages_close() -> None:
    """A peer that sends only invalid messages is closed at the limit, whatever kinds it mixes."""
    guard = started(bad_limit=20)
    for _ in range(6):
        assert guard.malformed() is GuardDecision.DROP
        assert guard.accept(media(1, stream=OTHER)) is GuardDecision.DROP
        assert guard.accept(start()) is GuardDecision.DROP
    assert guard.malformed() is GuardDecision.DROP
    assert guard.malformed() is GuardDecision.CLOSE


def test_bad_messages_are_forgiven_with_time() -> None:
    """Only recent bad messages count, so a long call survives one now and then."""
    clock = Clock()
    guard = StreamGuard(bad_limit=20, bad_window=10.0, clock=clock)
    guard.accept(start())
    for number in range(1, 201):
        clock.now += 0.6
        assert guard.malformed() is GuardDecision.DROP
        assert guard.accept(media(number)) is GuardDecision.ACCEPT


def test_threat_09_twenty_texts_that_nobody_can_read_close() -> None:
    """Nineteen unreadable texts in a row pass, each time that audio follows; the twentieth ends the stream."""
    guard = started()
    for number in (1, 2, 3):
        assert {guard.malformed() for _ in range(19)} == {GuardDecision.DROP}
        assert guard.accept(media(number)) is GuardDecision.ACCEPT
    assert [guard.malformed() for _ in range(20)] == [GuardDecision.DROP] * 19 + [GuardDecision.CLOSE]
