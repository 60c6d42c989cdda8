"""One soak from its start to its report."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from standins.nova.backend import Step
from standins.weather.server import WeatherStandin
from tests.soak.books import Books
from tests.soak.memory import Memory
from tests.soak.people import Call, People
from tests.soak.report import Report
from tests.soak.trouble import Trouble
from tests.support.edge_setting import PHONE
from tests.support.fleet import Fleet, fleet
from tests.support.score import Score, Turn, short_notes, use

SAMPLE_SECONDS = 2.0
DIES_AFTER = 1 / 6
"""Share of the time: early, so that the task that replaces it is watched for long too."""
FINISH_SECONDS = 400.0
"""A call may last five minutes."""
RENEW_SECONDS = 10.0
"""Age at which a stream of the model is renewed: six minutes in production, longer than any call here."""
_ANSWERED_AND_NOT_YET_OPEN = timedelta(seconds=10)
_KEPT_SESSIONS = 1_000_000
_ASKED = ("Stockholm", "Paris", "Tokyo", "Oslo", "Atlantis")


@dataclass(frozen=True)
class Plan:
    """The plan of a soak.

    Args:
        minutes: How long callers keep calling.
        callers: At once.
        share: Of calls that get a fault, 0 to 1.
        warm_up: Seconds that a process has to reach its size.
        folder: For logs and the calls that are remembered.
        transport: To the model, `sdk` or `h2`.
    """

    minutes: float
    callers: int
    share: float
    warm_up: float
    folder: Path
    transport: str = "sdk"


@dataclass
class Watch:
    """The memory of every task, from its start."""

    began: float = field(default_factory=time.monotonic)
    processes: dict[str, Memory] = field(default_factory=dict)

    async def follow(self, ships: Fleet, say: Callable[[str], None], people: People) -> None:
        """Sample all tasks now and then, and report the progress once a minute."""
        for looks in range(10**9):
            at = time.monotonic() - self.began
            for task in ships.tasks:
                process = self.processes.setdefault(task.name, Memory(task.name, task.service.process.pid))
                process.sample(at)
            if looks % round(60 / SAMPLE_SECONDS) == 0:
                say(_progress(at, people, self.processes))
            await asyncio.sleep(SAMPLE_SECONDS)


def notes_and_weather(turn: Turn) -> Sequence[Step]:
    """Answer every third turn after a weather lookup, the others with a note of their own."""
    if turn.number % 3 == 2:
        return [use("get_current_weather", location=random.choice(_ASKED), format="celsius")]  # noqa: S311 - chance is the point
    return short_notes(turn)


async def soak(plan: Plan, say: Callable[[str], None]) -> Report:
    """Run two phone tasks and callers, cause faults, kill one task, and balance the books."""
    score = Score()
    score.plan = notes_and_weather
    two = (PHONE, PHONE)
    async with WeatherStandin() as weather, fleet(plan.folder, score, two, _settings(plan, weather)) as ships:
        ships.nova.ledger.kept = _KEPT_SESSIONS
        trouble = Trouble(ships, weather, plan.share)
        people = People(trouble, ships.edge.url, plan.folder / "timelines.jsonl")
        watch, books = Watch(), Books(ships)
        for ship in ships.tasks:
            books.open(ship)
        with trouble.watch(), _running(watch.follow(ships, say, people)):
            calling = [asyncio.create_task(people.keep_calling()) for _ in range(plan.callers)]
            await asyncio.sleep(plan.minutes * 60 * DIES_AFTER)
            _let_a_task_die(ships, people, say)
            books.open(await ships.start(PHONE))
            await asyncio.sleep(plan.minutes * 60 * (1 - DIES_AFTER))
            people.stopping = True
            ended, hanging = await asyncio.wait(calling, timeout=FINISH_SECONDS)
        for task in ended:
            task.result()
        unbalanced = await books.of_running_tasks()
        if hanging:
            unbalanced.append(f"{len(hanging)} callers never came to an end")
        codes = await ships.shut_down()
        return _report(plan, ships, people, watch, _Ended(books, codes, unbalanced))


def _settings(plan: Plan, weather: WeatherStandin) -> dict[str, str]:
    return {
        "NOVA_TRANSPORT": plan.transport,
        "OPEN_METEO_FORECAST_URL": weather.forecast_url,
        "OPEN_METEO_GEOCODING_URL": weather.geocoding_url,
        "NOVA_SONIC_RENEW_SECONDS": str(RENEW_SECONDS),
    }


def _let_a_task_die(ships: Fleet, people: People, say: Callable[[str], None]) -> None:
    """Kill one task and start another, as ECS would; the callers of the first one count as having a fault."""
    doomed = random.choice(ships.of(PHONE))  # noqa: S311 - chance is the point
    ships.kill(doomed)
    held = {str(line["call_sid"]) for line in doomed.lines("session_started")}
    held -= {str(line["call_sid"]) for line in doomed.lines("session_ended")}
    moment = datetime.now(UTC) - _ANSWERED_AND_NOT_YET_OPEN
    answered = {
        str(line["call_sid"])
        for line in doomed.lines("call_answered")
        if datetime.fromisoformat(line["timestamp"]) > moment
    }
    started = {str(line["call_sid"]) for task in ships.all_tasks for line in task.lines("session_started")}
    people.trouble.touched |= held | (answered - started) | people.nobody_answered_yet()
    say(f"a task with {len(held)} calls was killed")


@dataclass(frozen=True)
class _Ended:
    """What is known when every process has ended."""

    books: Books
    codes: dict[str, int]
    unbalanced: list[str]
    """Found while tasks still ran."""


def _report(plan: Plan, ships: Fleet, people: People, watch: Watch, ended: _Ended) -> Report:
    lines = [line for task in ships.all_tasks for line in task.service.lines("model_session_started")]
    touched = people.trouble.touched | people.trouble.calls_of(lines) | _refused_for_the_model(ships)
    clean = [call for call in people.calls if call.sid not in touched]
    records = ships.records(PHONE)
    return Report(
        minutes=plan.minutes,
        calls=len(people.calls),
        turns=sum(call.turns for call in people.calls),
        clean_calls=len(clean),
        clean_problems=_problems(clean),
        touched_calls=len(people.calls) - len(clean),
        touched_problems=_problems([call for call in people.calls if call.sid in touched]),
        chosen=people.trouble.chosen,
        struck=dict(people.trouble.struck + Counter(task_killed=len(ships.killed))),
        streams=ships.nova.ledger.streams_opened,
        reasons=dict(Counter(str(record["reason"]) for record in records)),
        slopes={name: one.slope(plan.warm_up) for name, one in watch.processes.items()},
        own_slopes={name: one.slope(plan.warm_up, own=True) for name, one in watch.processes.items()},
        sizes={name: _size(one, plan.warm_up) for name, one in watch.processes.items()},
        watched_seconds={name: _watched(one, plan.warm_up) for name, one in watch.processes.items()},
        unbalanced=[*ended.unbalanced, *ended.books.of_everything(clean, ended.codes)],
    )


def _refused_for_the_model(ships: Fleet) -> set[str]:
    """Return the calls that heard a busy line because a fault made the model throttle this account."""
    refusals = [line for task in ships.all_tasks for line in task.lines("call_rejected")]
    return {str(line["call_sid"]) for line in refusals if line["cause"] == "ModelBusy"}


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
    faults = people.trouble.struck.total()
    return f"{at / 60:5.1f} min   {len(people.calls)} calls, {faults} faults, {wrong} ended badly   {sizes}"


@contextmanager
def _running(work: Any) -> Iterator[None]:  # noqa: ANN401 - a coroutine
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
