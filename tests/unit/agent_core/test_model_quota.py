"""The account's quota of streams, shared by all tasks: leases, second streams, and the back-off after a throttle."""

import asyncio

import pytest

from agent_core.errors import ModelBusy, ModelUnavailable
from agent_core.quota import keeper as keeping
from agent_core.quota.capacity import Capacity
from agent_core.quota.pool import LEASE_SECONDS, Demand, Pool, granted, kept_for_renewals
from agent_core.quota.throttle import FIRST_SECONDS, MOST_SECONDS, PROBE_SECONDS, Throttle
from tests.support.clock import Clock
from tests.support.stream_tables import MODEL, LimitedModel, MemoryTable, Task, sharing
from tests.support.waiting import until


@pytest.mark.parametrize(("quota", "kept"), [(1, 0), (2, 1), (20, 1), (39, 1), (40, 2), (100, 5)])
def test_some_streams_are_kept_for_renewals(quota: int, kept: int) -> None:
    """A renewal holds a second stream for a moment, so some are reserved, except where there is one stream only."""
    assert kept_for_renewals(quota) == kept


def test_leases_of_all_tasks_never_exceed_the_quota() -> None:
    """Whatever each task asks for, in any order, the leases stay within the quota."""
    pool = Pool()
    for turn in range(200):
        task, demand = f"task-{turn % 7}", Demand(more_calls=turn % 5, more_seconds=turn % 3)
        mine = pool.leases.get(task)
        if mine is not None:
            demand = Demand(mine.calls // 2, mine.seconds // 2, turn % 5, turn % 3)
        pool = granted(pool, task, demand, 20, now=turn)
        assert sum(one.calls for one in pool.leases.values()) <= 19
        assert sum(one.calls + one.seconds for one in pool.leases.values()) <= 20


def test_a_task_that_died_returns_its_streams() -> None:
    """The streams of a dead task are free when its lease ends, and not before."""
    pool = granted(Pool(), "dead", Demand(more_calls=19), 20, now=0.0)
    assert granted(pool, "other", Demand(more_calls=1), 20, LEASE_SECONDS - 1).leases.keys() == {"dead"}
    after = granted(pool, "other", Demand(more_calls=1), 20, LEASE_SECONDS)
    assert after.leases.keys() == {"other"}


def test_conversations_that_go_on_are_recorded_above_the_quota_too() -> None:
    """Running conversations are recorded above the quota, too, so that other tasks see that no stream is left."""
    pool = granted(Pool(), "task", Demand(calls=25), 20, now=0.0)
    assert pool.leases["task"].calls == 25
    assert "other" not in granted(pool, "other", Demand(more_calls=1), 20, now=0.0).leases


def test_a_task_leases_ahead_where_there_is_much_and_not_where_there_is_little() -> None:
    """While many streams are free a task leases some in advance; the last ones go only to tasks that need them."""
    assert granted(Pool(), "task", Demand(more_calls=1), 100, 0.0).leases["task"].calls == 5
    assert granted(Pool(), "task", Demand(more_calls=1), 2, 0.0).leases["task"].calls == 1
    assert granted(Pool(), "task", Demand(more_calls=1, leaving=True), 100, 0.0).leases["task"].calls == 1


async def test_a_caller_waits_for_the_table_once_and_the_next_ones_do_not() -> None:
    """The first caller waits for the table, and the task leases more before the next ones come."""
    table, model = MemoryTable(), LimitedModel(100)
    async with sharing(1, 100, table, model) as (task,):
        for number in range(12):
            reads = table.reads
            await task.admission.prepare()
            assert table.reads - reads == int(number == 0)
            task.admission.admit()
            await asyncio.sleep(1.0)


@pytest.mark.parametrize("table", [MemoryTable(broken=True), MemoryTable(pause=3600.0)], ids=["broken", "silent"])
async def test_without_the_table_each_task_has_a_small_part_and_nobody_waits_long(table: MemoryTable) -> None:
    """Without the table, each task has an eighth of nineteen streams; other callers are rejected at once."""
    loop, model = asyncio.get_running_loop(), LimitedModel(20)
    task = Task(20, 40, model)
    faults: list[None] = []
    async with task.capacity.shared([table], "task", lambda: faults.append(None)):
        admitted = 0
        for _ in range(10):
            began = loop.time()
            await task.admission.prepare()
            assert loop.time() - began <= keeping.ASK_SECONDS
            try:
                task.admission.admit()
            except ModelBusy:
                continue
            admitted += 1
        assert admitted == 2
        assert faults


async def test_a_lease_is_relied_on_while_the_table_is_away_and_not_after_its_end() -> None:
    """A lease is used while the table is down, but not after its end: another task may have it then."""
    table, model = MemoryTable(), LimitedModel(100)
    async with sharing(1, 100, table, model) as (task,):
        await task.admission.prepare()
        table.broken = True
        await asyncio.sleep(LEASE_SECONDS / 2)
        assert task.capacity.regions[0].share.for_calls == 5
        for _ in range(30):
            task.admission.admit(counted=True)
        await asyncio.sleep(LEASE_SECONDS)
        assert task.capacity.regions[0].share.for_calls == (100 - 5) // 8
        assert isinstance(task.capacity.refusal(), ModelBusy)
        table.broken = False
        await asyncio.sleep(keeping.RENEW_SECONDS)
        assert task.capacity.refusal() is None


async def test_what_one_task_does_not_use_another_gets_within_seconds() -> None:
    """Where few streams are left, a task returns a free one."""
    table, model = MemoryTable(), LimitedModel(3)
    async with sharing(2, 3, table, model) as (one, other):
        places = []
        for _ in range(2):
            await one.admission.prepare()
            places.append(one.admission.admit())
        await other.admission.prepare()
        with pytest.raises(ModelBusy):
            other.admission.admit()
        places[0].release()
        await asyncio.sleep(1.0)
        await other.admission.prepare()
        other.admission.admit()


async def test_a_stream_that_becomes_free_during_an_exchange_is_returned_at_once() -> None:
    """A conversation that ends while the table is written leaves a stream that was not leased in advance."""
    table, model = MemoryTable(pause=0.2), LimitedModel(3)
    async with sharing(2, 3, table, model) as (one, other):
        await one.admission.prepare()
        first = one.admission.admit()
        await one.admission.prepare()
        one.admission.admit()
        writes = table.writes
        await until(lambda: table.writes > writes)
        first.release()
        await asyncio.sleep(3.0)
        assert table.leased == 1
        await other.admission.prepare()
        other.admission.admit()


async def test_a_task_that_stops_returns_what_it_has() -> None:
    """A stopping task returns its streams, so that the next task need not wait for its lease to end."""
    table = MemoryTable()
    async with sharing(1, 20, table, LimitedModel(20)) as (task,):
        await task.admission.prepare()
        assert table.leased
    assert table.leased == 0


async def test_a_renewal_holds_a_second_stream_and_returns_it() -> None:
    """The second stream comes from the reserved ones; without a free one, the old stream continues."""
    table, model = MemoryTable(), LimitedModel(2)
    async with sharing(1, 2, table, model) as (task,):
        await task.admission.prepare()
        task.admission.admit()
        first = await task.client.open(MODEL)
        async with task.client.second() as client:
            second = await client.open(MODEL)
        assert model.throttled == 0
        with pytest.raises(ModelUnavailable, match="NoFreeStream"):
            async with task.client.second():
                pass
        await first.close()
        await asyncio.sleep(2.0)
        assert (model.open_streams, table.leased) == (1, 1)
        async with task.client.second():
            pass
        await second.close()
        await asyncio.sleep(2.0)
        assert task.capacity.regions[0].share.streams == 0


async def test_one_task_alone_has_the_number_that_is_set() -> None:
    """Without a table, as on a laptop, one task has the whole configured number."""
    task = Task(3, 40, LimitedModel(3))
    await task.admission.prepare()
    task.admission.admit()
    task.admission.admit()
    with pytest.raises(ModelBusy) as refused:
        task.admission.admit()
    assert (refused.value.http_status, refused.value.retry_after) == (429, 15)
    for _ in range(50):
        Task(None, 50, LimitedModel(1)).admission.admit()


async def test_streams_are_opened_ahead_only_where_they_are_ample() -> None:
    """The media of a call may reach another task, which opens a second stream, so pre-warming needs spare ones."""
    assert Task(None, 40, LimitedModel(1)).capacity.ahead() is not None
    few = Task(2, 40, LimitedModel(2))
    few.admission.admit()
    assert few.capacity.ahead() is None
    many = Task(40, 40, LimitedModel(40))
    counted = [many.capacity.ahead() for _ in range(40)]
    assert 0 < sum(one is not None for one in counted) <= 11
    for one in counted:
        if one is not None:
            one.release()
            one.release()
    assert many.capacity.regions[0].share.calls == 0


def shut(throttle: Throttle) -> bool:
    """Return whether the back-off is active; it changes with the clock."""
    return throttle.is_shut


def test_after_a_refusal_nobody_tries_for_a_while_then_one_at_a_time() -> None:
    """The back-off doubles with each throttle, up to a minute; an accepted stream ends it."""
    clock = Clock(100.0)
    throttle = Throttle(clock)
    assert not shut(throttle)
    assert throttle.refused(0)
    assert not throttle.refused(0)  # a stream that began before the throttle proves nothing
    assert (shut(throttle), throttle.seconds_left) == (True, FIRST_SECONDS)
    clock.now += FIRST_SECONDS
    assert not shut(throttle)
    throttle.begin()
    assert shut(throttle)
    clock.now += PROBE_SECONDS
    assert not shut(throttle)  # the probe had no outcome
    for expected in (10.0, 20.0, 40.0, MOST_SECONDS, MOST_SECONDS):
        throttle.begin()
        throttle.refused(throttle.epoch)
        assert throttle.seconds_left == expected
        clock.now += expected
    throttle.begin()
    assert not throttle.taken(0)
    assert throttle.taken(throttle.epoch)
    assert not shut(throttle)


async def test_fault_2_a_throttled_model_is_tried_by_one_caller_at_a_time() -> None:
    """While the model throttles, one caller at a time tries; all others are rejected before a stream is opened."""
    model = LimitedModel(0)
    task = Task(None, 40, model)
    task.admission.admit()
    stream = await task.client.open(MODEL)
    with pytest.raises(ModelUnavailable, match="ThrottlingException"):
        await stream.receive()
    await stream.close()
    with pytest.raises(ModelBusy) as refused:
        task.admission.admit()
    assert refused.value.retry_after == FIRST_SECONDS
    await asyncio.sleep(FIRST_SECONDS)
    model.quota = 5
    probe = task.admission.admit()
    with pytest.raises(ModelBusy):
        task.admission.admit()
    stream = await task.client.open(MODEL)
    await stream.receive()
    task.admission.admit()
    probe.release()
    assert model.throttled == 1


async def test_a_second_region_takes_what_the_first_has_no_room_for() -> None:
    """The second region gets what exceeds the first one's room, and no request before."""
    near, far = LimitedModel(3), LimitedModel(3)
    task = Task(3, 40, near, far)
    for _ in range(4):
        task.admission.admit()
        await task.client.open(MODEL)
    assert (near.open_streams, far.open_streams) == (2, 2)
    with pytest.raises(ModelBusy):
        task.admission.admit()


def test_the_second_region_has_a_quota_of_its_own() -> None:
    """Each region has a quota of its own: accounts with 20 in one region have 2 in others."""
    capacity = Capacity(["near", "far"], 20, 2)
    for _ in range(20):
        assert capacity.refusal() is None
        capacity.begin()
    assert [region.share.calls for region in capacity.regions] == [19, 1]
    assert isinstance(capacity.refusal(), ModelBusy)


async def test_a_conversation_that_is_throttled_goes_on_in_the_second_region() -> None:
    """New conversations also use the second region while the first one throttles."""
    near, far = LimitedModel(0), LimitedModel(3)
    task = Task(3, 40, near, far)
    task.admission.admit()
    stream = await task.client.open(MODEL)
    with pytest.raises(ModelUnavailable):
        await stream.receive()
    await stream.close()
    await (await task.client.open(MODEL)).receive()
    task.admission.admit()
    await (await task.client.open(MODEL)).receive()
    assert (near.throttled, far.open_streams, far.throttled) == (1, 2, 0)


def test_capacity_without_a_limit_counts_and_refuses_nobody() -> None:
    """Without a quota, only slots limit the conversations."""
    capacity = Capacity(["here"])
    for _ in range(1000):
        capacity.begin()
    assert capacity.refusal() is None
