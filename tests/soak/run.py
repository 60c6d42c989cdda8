"""One soak from its start to its books."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tests.soak.memory import Memory
from tests.soak.people import Call, People
from tests.soak.report import Report
from tests.soak.trouble import Trouble
from tests.support import ledger
from tests.support.edge_setting import PHONE
from tests.support.fleet import Fleet, fleet
from tests.support.score import Score, short_notes
from tests.support.waiting import until

SAMPLE_SECONDS = 2.0
DIES_AFTER = 1 / 6
"""Of the time: early, so that the task that takes its place is watched for long too."""
FINISH_SECONDS = 400.0
"""A call may last five minutes."""


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Args:
        minutes: How long callers keep calling.
        callers: At once.
        share: Of calls that get a fault, 0 to 1.
        warm_up: Seconds that a process has to reach its size.
        folder: For logs and the calls that are remembered.
    """

    minutes: float
    callers: int
    share: float
    warm_up: float
    folder: Path


@dataclass
class Watch:
    """The memory of every task, from its start on."""

    began: float = field(default_factory=time.monotonic)
    processes: dict[str, Memory] = field(default_factory=dict)

    async def follow(self, ships: Fleet, say: Callable[[str], None], people: People) -> None:
        """Look at all tasks now and then, and tell of the progress once a minute."""
        for looks in range(10**9):
            at = time.monotonic() - self.began
            for task in ships.tasks:
                process = self.processes.setdefault(task.name, Memory(task.name, task.service.process.pid))
                process.sample(at)
            if looks % round(60 / SAMPLE_SECONDS) == 0:
                say(_progress(at, people, self.processes))
            await asyncio.sleep(SAMPLE_SECONDS)


async def soak(plan: Plan, say: Callable[[str], None]) -> Report:
    """Run two phone tasks, call them, let faults strike and one task die, and balance the books."""
    score = Score()
    score.plan = short_notes
    async with fleet(plan.folder, score, (PHONE, PHONE)) as ships:
        trouble = Trouble(ships, plan.share)
        trouble.watch()
        people = People(trouble, ships.edge.url)
        watch = Watch()
        with _running(watch.follow(ships, say, people)):
            calling = [asyncio.create_task(people.keep_calling()) for _ in range(plan.callers)]
            await asyncio.sleep(plan.minutes * 60 * DIES_AFTER)
            await _let_a_task_die(ships, trouble, say)
            await asyncio.sleep(plan.minutes * 60 * (1 - DIES_AFTER))
            people.stopping = True
            ended, hanging = await asyncio.wait(calling, timeout=FINISH_SECONDS)
        for task in ended:
            task.result()
        return await _balance(plan, ships, people, watch, len(hanging))


async def _let_a_task_die(ships: Fleet, trouble: Trouble, say: Callable[[str], None]) -> None:
    """Kill one task and start another, as ECS would; its callers are not without a fault."""
    doomed = random.choice(ships.of(PHONE))  # noqa: S311 - chance is the point
    ships.kill(doomed)
    held = {str(line["call_sid"]) for line in doomed.lines("session_started")}
    held -= {str(line["call_sid"]) for line in doomed.lines("session_ended")}
    answered = {str(line["call_sid"]) for line in doomed.lines("call_answered")}
    started = {str(line["call_sid"]) for task in ships.all_tasks for line in task.lines("session_started")}
    trouble.touched |= held | (answered - started)
    trouble.injected["task_killed"] += 1
    say(f"a task with {len(held)} calls was killed")
    await ships.start(PHONE)


async def _balance(plan: Plan, ships: Fleet, people: People, watch: Watch, hanging: int) -> Report:
    with suppress(TimeoutError):
        await until(lambda: ships.nova.ledger.streams_open == 0, 20)
    codes = await ships.shut_down()
    lines = [line for task in ships.all_tasks for line in task.service.lines("model_session_started")]
    touched = people.trouble.touched | people.trouble.calls_of(lines)
    clean = [call for call in people.calls if call.sid not in touched]
    records = ships.records(PHONE)
    unbalanced = list(_unbalanced(ships, clean, records, codes))
    if hanging:
        unbalanced.append(f"{hanging} callers never came to an end")
    return Report(
        minutes=plan.minutes,
        calls=len(people.calls),
        turns=sum(call.turns for call in people.calls),
        clean_calls=len(clean),
        clean_problems=_problems(clean),
        touched_calls=len(people.calls) - len(clean),
        touched_problems=_problems([call for call in people.calls if call.sid in touched]),
        injected=dict(people.trouble.injected),
        streams=ships.nova.ledger.streams_opened,
        reasons=dict(Counter(str(record["reason"]) for record in records)),
        slopes={name: one.slope(plan.warm_up) for name, one in watch.processes.items()},
        own_slopes={name: one.slope(plan.warm_up, own=True) for name, one in watch.processes.items()},
        sizes={name: _size(one, plan.warm_up) for name, one in watch.processes.items()},
        watched_seconds={name: _watched(one, plan.warm_up) for name, one in watch.processes.items()},
        unbalanced=unbalanced,
    )


def _unbalanced(ships: Fleet, clean: list[Call], records: list[dict[str, Any]], codes: dict[str, int]) -> Iterator[str]:
    sids = {call.sid for call in clean}
    ends = [{"event": "session_ended", **record} for record in records]
    of_clean = [end for end in ends if end["call_sid"] in sids]
    errors = [line for task in ships.all_tasks for line in _all_lines(task.service.log) if line.get("level") == "error"]
    checks: dict[str, Callable[[], None]] = {
        "end records (L1)": lambda: ledger.one_end_for_each(of_clean, sids),
        "streams (L2)": lambda: ledger.streams_are_closed(ships.nova.ledger),
        "tools (L6)": lambda: ledger.tools_are_answered(ships.nova.ledger.sessions.values()),
        "log (L10)": lambda: ledger.log_is_clean(errors, [ships.exchange.settings.auth_token, "+1500555"]),
    }
    for task in [*ships.gone, *ships.tasks]:
        puts = [wish.enabled for wish in ships.ecs.task(task.name).asked]
        checks[f"protection of {task.name} (L9)"] = lambda puts=puts: ledger.protection_is_released(puts)  # type: ignore[misc]
    for name, check in checks.items():
        try:
            check()
        except AssertionError as error:
            yield f"{name}: {str(error)[:300] or _where(error)}"
    if bad := {name: code for name, code in codes.items() if code != 0}:
        yield f"exit codes: {bad}"


def _where(error: AssertionError) -> str:
    """Name the line that found it, for checks that say nothing."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (
        "unbalanced" if trace is None else f"line {trace.tb_lineno} of {Path(trace.tb_frame.f_code.co_filename).name}"
    )


def _all_lines(log: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in log.read_bytes().splitlines() if line.startswith(b"{")]


def _problems(calls: list[Call]) -> dict[str, int]:
    return dict(Counter(call.problem for call in calls if call.problem))


def _size(process: Memory, warm_up: float) -> tuple[float, float]:
    samples = process.after(warm_up) or process.samples
    return samples[0][1], samples[-1][1]


def _watched(process: Memory, warm_up: float) -> float:
    samples = process.after(warm_up)
    return samples[-1][0] - samples[0][0] if samples else 0.0


def _progress(at: float, people: People, processes: dict[str, Memory]) -> str:
    sizes = ", ".join(f"{one.name} {one.samples[-1][1]:.1f} MB" for one in processes.values() if one.samples)
    wrong = sum(bool(call.problem) for call in people.calls)
    faults = people.trouble.injected.total()
    return f"{at / 60:5.1f} min   {len(people.calls)} calls, {faults} faults, {wrong} ended badly   {sizes}"


@contextmanager
def _running(work: Any) -> Iterator[None]:  # noqa: ANN401 - a coroutine
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
