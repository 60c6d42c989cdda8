"""The ledgers that must balance after every injected fault: L1 to L10, over stand-ins' records and a service's log.

Each function raises ``AssertionError`` with the imbalance. None waits: let the conversation end first.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from standins.daily.domain import RoomLedger as Rooms
from standins.ecs.protection import ProtectedTask
from standins.nova.session_records import Said, SessionRecord
from standins.nova.session_records import SessionLedger as Streams
from tests.support.numbered import numbers_in

type Line = Mapping[str, Any]

_EVERYWHERE = {"environment", "level", "service"}
MOST_STREAMS = 2
"""Most open streams of one call: the one that talks, and the one that takes over."""
GAP_MS = 200
"""Longest piece of a caller's audio that no session of the model may have heard."""
TWICE_MS = 3000
"""Longest piece of a caller's audio that two sessions may have heard."""


def one_end_for_each(lines: Iterable[Line], admitted: Iterable[str]) -> None:
    """Check L1: each admitted call has one end record with a reason, and there are no others."""
    ends = [line for line in lines if line.get("event") == "session_ended"]
    assert all(line.get("reason") for line in ends), "an end record without a reason"
    recorded, expected = Counter(str(line.get("call_sid")) for line in ends), Counter(admitted)
    too_few, too_many = (expected - recorded).total(), (recorded - expected).total()
    assert recorded == expected, f"{too_few} end records too few, {too_many} too many"


def conversations_have_ended(lines: Iterable[Line]) -> None:
    """Check L1 where a call may have several conversations: each that began has exactly one end record."""
    lines = list(lines)
    ends = Counter(str(line.get("session_id")) for line in lines if line.get("event") == "session_ended")
    began = {str(line.get("session_id")) for line in lines if line.get("event") == "session_started"}
    assert not began - set(ends), f"{len(began - set(ends))} conversations without an end record"
    assert not ends or max(ends.values()) == 1, "a conversation with two end records"


def streams_are_closed(streams: Streams, of_one_call: Sequence[str] = ()) -> None:
    """Check L2: no stream of the model is open, and one call never had more than two sessions at a time."""
    assert streams.streams_open == 0, f"{streams.streams_open} streams left open"
    open_records = [record.session_id for record in streams.sessions.values() if record.ended_at is None]
    assert open_records == []
    records = [streams.sessions[session] for session in of_one_call]
    spans = [(round(record.opened_at, 3), record.ended_at, record.end_reason) for record in records]
    assert _most_at_once(records) <= MOST_STREAMS, f"more than {MOST_STREAMS} streams at a time: {spans}"


def _most_at_once(records: Iterable[SessionRecord]) -> int:
    steps = [step for r in records for step in ((r.opened_at, 1), (r.ended_at or float("inf"), -1))]
    most = now = 0
    for _, step in sorted(steps):
        now += step
        most = max(most, now)
    return most


def rooms_are_gone(rooms: Rooms) -> None:
    """Check L3: each room was deleted or has expired, and each token was for an existing room."""
    assert Counter(rooms.created) == Counter([*rooms.deleted, *rooms.expired])
    asked_for = {token.get("room_name") for token in rooms.tokens}
    assert asked_for <= set(rooms.created)


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds of its machine."""

    threads: int
    descriptors: int

    @classmethod
    def by(cls, pid: int, port: int | None = None) -> "Held":
        """Measure a process.

        Args:
            pid: Its number.
            port: Where it listens: connections that clients keep open for their next request belong to them, and are
                left out, except those that the client has closed.
        """
        threads = len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208 - needs no paths
        theirs = {f"socket:[{inode}]" for inode in _established(pid, port)} if port else set()
        return cls(threads, sum(file not in theirs for file in open_files(pid)))


_ESTABLISHED = "01"


def open_files(pid: int) -> Iterator[str]:
    """Return what a process has open, except files below /proc, which the tests' shared clock reads."""
    for descriptor in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 - needs no paths
        with suppress(FileNotFoundError):  # closed in the meantime
            file = os.readlink(f"/proc/{pid}/fd/{descriptor}")  # noqa: PTH115 - as above
            if not file.startswith("/proc/"):
                yield file


def _established(pid: int, port: int) -> Iterator[str]:
    """Return the inodes of the connections to a port; a line of the table has local, remote, state, … and inode."""
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *_, inode = line.split()[:10]
        if state == _ESTABLISHED and int(local.rpartition(":")[2], 16) == port:
            yield inode


def nothing_is_held(before: Held, after: Held, spare: int = 2) -> None:
    """Check L4: threads and descriptors are back where they were; wait at most five seconds for it."""
    assert after.threads <= before.threads + spare, f"threads: {before.threads} before, {after.threads} after"
    assert after.descriptors <= before.descriptors + spare, f"files: {before.descriptors}, then {after.descriptors}"


def words_are_kept(said: Iterable[Said], kept: Iterable[str]) -> None:
    """Check L5: the final words of the model are in the transcript once each and in order.

    Args:
        said: By the stand-in, over all sessions of a conversation.
        kept: The agent's turns in the transcript, in order; it joins consecutive ones.
    """
    assert " ".join(kept) == " ".join(words.text for words in said)


def tools_are_answered(records: Iterable[SessionRecord], given_up: int = 0) -> None:
    """Check L6: each tool use has one result, except those whose caller or session went first."""
    uses = [run for record in records for run in record.tools]
    assert len({run.tool_use_id for run in uses}) == len(uses)
    assert sum(run.result is None for run in uses) == given_up


def no_tool_was_forgotten(records: Iterable[SessionRecord], patience: float = 8.0) -> None:
    """Check L6 where callers leave: a tool use may lack a result only if its session ended before the tool's deadline.

    Args:
        records: Of sessions that have ended.
        patience: Seconds that the slowest tool may take.
    """
    for record in records:
        for run in record.tools:
            assert run.result is not None or (record.ended_at or float("inf")) - run.at < patience, run.name


def sound_arrived(heard: Sequence[bytes], *, outage_ms: int = 0) -> None:
    """Check L7: together the sessions heard the caller without a gap, and hardly anything twice.

    Args:
        heard: The audio of each session of a call, in order: ``numbered.frame`` of 0, 1, 2… as 16-bit PCM at 8 kHz.
        outage_ms: What may be missing in addition, because nothing could carry it.
    """
    by_session = [numbers_in(sound) for sound in heard]
    known = sorted({number for numbers in by_session for number in numbers})
    assert known, "no session heard the caller"
    gaps = [(after - before - 1) * 20 for before, after in pairwise(known)]
    assert max(gaps, default=0) <= GAP_MS + outage_ms, f"{max(gaps)} ms of the caller were lost"
    twice = sum(count - 1 for count in Counter(number for numbers in by_session for number in numbers).values())
    assert twice * 20 <= TWICE_MS, f"{twice * 20} ms of the caller were sent twice"
    assert all(numbers == sorted(set(numbers)) for numbers in by_session), "a session heard the caller out of order"


def sound_is_accounted_for(given_ms: float, *, sent_ms: float, dropped_ms: float, spare_ms: float = 60.0) -> None:
    """Check L8: the model's audio was sent to the caller, or discarded because of a barge-in."""
    assert abs(given_ms - sent_ms - dropped_ms) <= spare_ms, f"{given_ms} given, {sent_ms} sent, {dropped_ms} dropped"


def no_protection_is_asked_for(tasks: Iterable[ProtectedTask]) -> None:
    """Check L9: no task asks for ECS's protection; ECS could neither update nor scale in a busy service."""
    asked = [task.name for task in tasks if task.asked]
    assert asked == [], f"these tasks asked ECS to protect them: {asked}"


def log_is_clean(lines: Iterable[Line], canaries: Iterable[str] = ()) -> None:
    """Check L10: an error names its call or its session, and no planted secret, number or word is in the log."""
    lines = list(lines)
    nameless = [line for line in lines if line.get("level") == "error" and not _names_somebody(line)]
    shown = [str({name: value for name, value in line.items() if name not in _EVERYWHERE})[:300] for line in nameless]
    assert nameless == [], f"errors without a name: {shown}"
    text = "\n".join(map(str, lines))
    found = sum(canary in text for canary in canaries)
    assert not found, f"{found} planted secrets, numbers or words stand in the log"


def _names_somebody(line: Line) -> bool:
    return any(line.get(name) for name in ("call_sid", "session_id", "web_session_id"))
