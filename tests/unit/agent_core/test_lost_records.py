"""A killed task's conversations get their end records from another task, and no conversation gets two."""

import asyncio
import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_core.adapters.call_store.key_value_store import KeyValueStore, StoreFault
from agent_core.adapters.call_store.process_store import ProcessStore
from agent_core.events import CallDetailRecord, EndReason, SessionStats
from agent_core.lost_records import SLOTS, LostRecords
from agent_core.open_conversations import SILENT_SECONDS, OpenConversation, TaskList, Unreadable, decode, lost

RETURNS = 600.0
LATE = SILENT_SECONDS + 1


class Clock:
    """A clock that a test moves."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def record(session_id: str, reason: EndReason = EndReason.TASK_LOST, **stats: Any) -> CallDetailRecord:  # noqa: ANN401 - counts of a tally
    """Return an end record."""
    return CallDetailRecord(session_id, "phone", reason, 1.5, 1000, SessionStats(**stats), call_sid="CA1")


@dataclass
class Task:
    """One task: holds conversations until it is killed."""

    shelf: KeyValueStore
    clock: Clock
    written: list[CallDetailRecord]
    rows: dict[str, OpenConversation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make its share."""
        self.share = LostRecords(self.shelf, "phone", self.rows.values, self.written.append, self.clock)

    def hold(self, session_id: str, returns_within: float = 0.0) -> None:
        """Hold a conversation."""
        self.rows[session_id] = OpenConversation(record(session_id), returns_within)

    async def end(self, session_id: str) -> None:
        """End a conversation as a session does: claim, then write."""
        if await self.share.claim(session_id):
            self.written.append(record(session_id, EndReason.AGENT_ENDED))
        del self.rows[session_id]


@dataclass
class Fleet:
    """Tasks with one store and one clock."""

    shelf: KeyValueStore = field(default_factory=lambda: ProcessStore(Clock()))
    clock: Clock = field(default_factory=Clock)
    written: list[CallDetailRecord] = field(default_factory=list)

    def start(self) -> Task:
        """Start a task."""
        return Task(self.shelf, self.clock, self.written)

    @property
    def records(self) -> list[tuple[str, str]]:
        """Return ids and reasons of the records."""
        return [(one.session_id, one.reason.value) for one in self.written]


@pytest.fixture
def fleet() -> Fleet:
    """Return a fleet without tasks."""
    clock = Clock()
    return Fleet(ProcessStore(clock), clock)


async def test_a_killed_task_s_conversation_gets_one_record(fleet: Fleet) -> None:
    """Nothing before a minute of silence; then one of the others writes it, with the last known figures."""
    killed, one, two = fleet.start(), fleet.start(), fleet.start()
    killed.rows["a"] = OpenConversation(record("a", caller_turns=3))
    await killed.share.beat()
    fleet.clock.now += SILENT_SECONDS
    await one.share.sweep()
    assert fleet.records == []
    fleet.clock.now += 1
    await asyncio.gather(one.share.sweep(), two.share.sweep())
    await one.share.sweep()
    assert fleet.records == [("a", "task_lost")]
    assert (fleet.written[0].stats.caller_turns, fleet.written[0].call_sid) == (3, "CA1")


async def test_a_caller_who_may_return_is_waited_for(fleet: Fleet) -> None:
    """A visitor has ten minutes; a conversation that another task has taken over belongs to that task."""
    killed, other = fleet.start(), fleet.start()
    killed.hold("a", RETURNS)
    killed.hold("b", RETURNS)
    await killed.share.beat()
    fleet.clock.now += RETURNS
    other.hold("b", RETURNS)
    await other.share.beat()
    await other.share.sweep()
    assert fleet.records == []
    fleet.clock.now += LATE
    await other.share.beat()
    await other.share.sweep()
    assert fleet.records == [("a", "task_lost")]
    await other.end("b")
    assert fleet.records == [("a", "task_lost"), ("b", "agent_ended")]


async def test_a_task_that_was_only_slow_writes_no_second_record(fleet: Fleet) -> None:
    """A task that was stopped for minutes finds its conversation recorded, and its key taken."""
    slow, other = fleet.start(), fleet.start()
    slow.hold("a")
    await slow.share.beat()
    fleet.clock.now += LATE
    await other.share.sweep()
    other.hold("b")
    await other.share.beat()
    await slow.end("a")
    slow.hold("c")
    await slow.share.beat()
    fleet.clock.now += LATE
    await fleet.start().share.sweep()
    assert Counter(fleet.records) == Counter([("a", "task_lost"), ("b", "task_lost"), ("c", "task_lost")])


async def test_keys_are_used_again(fleet: Fleet) -> None:
    """More tasks than keys, one after the other; with all keys in use a further task is only not covered."""
    for number in range(SLOTS + 3):
        task = fleet.start()
        task.hold(f"a{number}")
        await task.share.beat()
        fleet.clock.now += LATE
        await fleet.start().share.sweep()
    assert len(fleet.written) == SLOTS + 3
    crowd = [fleet.start() for _ in range(SLOTS + 1)]
    for number, task in enumerate(crowd):
        task.hold(f"b{number}")
        await task.share.beat()
    await crowd[-1].end(f"b{SLOTS}")
    assert fleet.records[-1] == (f"b{SLOTS}", "agent_ended")


async def test_an_idle_task_writes_nothing(fleet: Fleet) -> None:
    """A task without conversations uses no key."""
    await fleet.start().share.beat()
    assert await fleet.shelf.get("open/phone/0") is None


async def test_a_task_that_stops_leaves_no_list(fleet: Fleet) -> None:
    """After the last conversation its key is free at once."""
    task = fleet.start()
    task.hold("a")
    async with task.share.running():
        await task.share.beat()
        await task.end("a")
        assert await fleet.shelf.get("open/phone/0") is not None
    assert await fleet.shelf.get("open/phone/0") is None


async def test_a_store_that_fails_costs_no_record() -> None:
    """A conversation that ends while the store is down still gets its record."""

    class Broken(ProcessStore):
        async def put_if_absent(self, key: str, expires_at: float) -> bool:
            del key, expires_at
            raise StoreFault("down")

    fleet = Fleet(Broken())
    task = fleet.start()
    task.hold("a")
    await task.end("a")
    assert fleet.records == [("a", "agent_ended")]


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"task": "a", "at": 1, "rows": [1]}', b"\xff"])
def test_other_bytes_are_not_a_list(text: bytes) -> None:
    """What another version has written is skipped."""
    with pytest.raises(Unreadable):
        decode(text)


def test_a_list_is_read_as_it_was_written() -> None:
    """Every field survives, and nothing else is stored."""
    one = TaskList("t", 5.0, (OpenConversation(record("a", resumed=2, audio_in_ms=7), RETURNS),))
    assert decode(one.encode()) == one
    assert b"caller_turns" not in one.encode()
    assert lost([one], 5.0) == []


STEPS = st.lists(
    st.tuples(st.sampled_from(["begin", "end", "move", "beat", "kill", "sweep", "wait", "stall"]), st.integers(0, 3)),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_no_conversation_ever_gets_two_records(steps: list[tuple[str, int]]) -> None:
    """In any order of starts, ends, returns, kills, stalls and sweeps; and each that was listed gets one in the end."""
    asyncio.run(_live(steps))


async def _wait(clock: Clock, awake: list[Task]) -> set[str]:
    """Let two minutes pass, in which living tasks write their lists; return the ids in them."""
    listed: set[str] = set()
    for _ in range(6):
        clock.now += 20
        for task in awake:
            await task.share.beat()
            listed |= task.rows.keys()
    return listed


async def _live(steps: list[tuple[str, int]]) -> None:
    clock = Clock()
    fleet = Fleet(ProcessStore(clock), clock)
    tasks = [fleet.start() for _ in range(4)]
    listed: set[str] = set()
    ids = itertools.count()
    for what, which in steps:
        task, other = tasks[which], tasks[(which + 1) % 4]
        match what:
            case "begin":
                task.hold(f"s{next(ids)}", RETURNS if which % 2 else 0.0)
            case "end" if task.rows:
                await task.end(next(iter(task.rows)))
            case "move" if movable := [one for one, row in task.rows.items() if row.returns_within]:
                other.hold(movable[0], RETURNS)
                del task.rows[movable[0]]
                await other.share.beat()
                listed.add(movable[0])
            case "beat":
                await task.share.beat()
                listed |= task.rows.keys()
            case "kill":
                tasks[which] = fleet.start()
            case "sweep":
                await task.share.sweep()
            case "wait":
                listed |= await _wait(clock, tasks)
            case "stall":
                listed |= await _wait(clock, [one for one in tasks if one is not task])
            case _:
                pass
        assert max(Counter(one.session_id for one in fleet.written).values(), default=0) <= 1
    # All tasks are killed; a last one finds what they left.
    clock.now += RETURNS + LATE
    await fleet.start().share.sweep()
    counts = Counter(one.session_id for one in fleet.written)
    assert max(counts.values(), default=0) <= 1
    assert listed <= counts.keys()
