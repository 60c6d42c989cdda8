"""The ledger itself: books that balance pass, and each kind of loss is found."""

import os
import socket
from collections.abc import Callable

import pytest

from standins.daily.domain import RoomLedger as Rooms
from standins.ecs.protection import ProtectedTask, Wish
from standins.nova.session_records import Said, SessionRecord, ToolRun
from standins.nova.session_records import SessionLedger as Streams
from tests.support import ledger
from tests.support.numbered import frame


def _session(name: str, opened: float, ended: float | None) -> SessionRecord:
    record = SessionRecord(name, "request", "model", "key", opened_at=opened)
    record.ended_at = ended
    return record


def _streams(*records: SessionRecord) -> Streams:
    streams = Streams()
    for record in records:
        streams.sessions[record.session_id] = record
    return streams


def _frames(*numbers: int) -> bytes:
    return b"".join(frame(number) for number in numbers)


BEGAN = {"event": "session_started", "session_id": "s1"}
OVER = {"event": "session_ended", "session_id": "s1"}
ENDED = {"event": "session_ended", "reason": "caller_hung_up", "call_sid": "CA1"}


@pytest.mark.parametrize(
    "check",
    [
        lambda: ledger.one_end_for_each([ENDED, ENDED], ["CA1"]),
        lambda: ledger.one_end_for_each([], ["CA1"]),
        lambda: ledger.one_end_for_each([ENDED], []),
        lambda: ledger.one_end_for_each([{**ENDED, "reason": None}], ["CA1"]),
        lambda: ledger.conversations_have_ended([BEGAN]),
        lambda: ledger.conversations_have_ended([BEGAN, OVER, OVER]),
        lambda: ledger.streams_are_closed(Streams(streams_open=1)),
        lambda: ledger.streams_are_closed(_streams(_session("a", 1, None))),
        lambda: ledger.streams_are_closed(_streams(*(_session(n, 1, 9) for n in "abc")), list("abc")),
        lambda: ledger.rooms_are_gone(Rooms(["r"], [], [])),
        lambda: ledger.rooms_are_gone(Rooms([], [], [], [{"room_name": "r"}])),
        lambda: ledger.nothing_is_held(ledger.Held(9, 20), ledger.Held(12, 20)),
        lambda: ledger.nothing_is_held(ledger.Held(9, 20), ledger.Held(9, 23)),
        lambda: ledger.words_are_kept([Said("One.", interrupted=False)], []),
        lambda: ledger.words_are_kept([Said("One.", interrupted=False)], ["One.", "One."]),
        lambda: ledger.sound_arrived([_frames(0, 12)]),
        lambda: ledger.sound_arrived([_frames(*range(151)), _frames(*range(151))]),
        lambda: ledger.sound_arrived([_frames(1, 0)]),
        lambda: ledger.sound_arrived([b""]),
        lambda: ledger.sound_is_accounted_for(1000, sent_ms=700, dropped_ms=0),
        lambda: ledger.no_protection_is_asked_for(
            [ProtectedTask("phone-1", float, asked=[Wish(enabled=True, minutes=1)])]
        ),
        lambda: ledger.log_is_clean([{"event": "x", "level": "error"}]),
        lambda: ledger.log_is_clean([{"event": "x", "level": "info", "text": "a canary"}], ["canary"]),
    ],
)
def test_each_loss_is_found(check: Callable[[], None]) -> None:
    """Each check fails for the loss that it looks for."""
    with pytest.raises(AssertionError):
        check()


def test_a_tool_without_its_result_is_found() -> None:
    """A tool use without a result fails unless its caller or its session went first."""
    record = _session("a", 1, 2)
    record.tools.append(ToolRun("get_weather", "use-1", {}, at=1.5))
    with pytest.raises(AssertionError):
        ledger.tools_are_answered([record])
    ledger.tools_are_answered([record], given_up=1)
    ledger.no_tool_was_forgotten([record])
    for ended in (60.0, None):
        record.ended_at = ended
        with pytest.raises(AssertionError, match="get_weather"):
            ledger.no_tool_was_forgotten([record])
    record.tools[0].result = {}
    ledger.no_tool_was_forgotten([record])


def test_a_connection_is_its_peer_s_as_long_as_the_peer_keeps_it() -> None:
    """A connection counts as held only once its peer has closed it and the process has not."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        before = ledger.Held.by(os.getpid(), port)
        with socket.create_connection(("127.0.0.1", port)):
            connection, _ = server.accept()
            assert ledger.Held.by(os.getpid(), port).descriptors == before.descriptors + 1  # the peer is this process
            assert ledger.Held.by(os.getpid()).descriptors == before.descriptors + 2
        with connection:
            assert ledger.Held.by(os.getpid(), port).descriptors == before.descriptors + 1
    assert ledger.Held.by(os.getpid(), port).descriptors == before.descriptors - 1
