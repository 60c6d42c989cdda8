"""The arithmetic of the benchmark."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from voice_agent.bench import table
from voice_agent.bench.capacity import Capacity, holds, search
from voice_agent.bench.crossing import Crossing
from voice_agent.bench.figures import calls_per_core, median_ratio, percentile, rows
from voice_agent.bench.meter import Cores, parse
from voice_agent.bench.trial import Load, Trial


def trial(cpu: float, *, calls: int = 10, delays: Sequence[float] = (0.01,), trouble: Sequence[str] = ()) -> Trial:
    """Return a trial of ten seconds."""
    made = Trial("ours", calls, seconds=10.0, cpu_seconds=cpu, rss_base=100_000_000, rss_full=120_000_000)
    made.to_model, made.from_model, made.trouble = list(delays), list(delays), list(trouble)
    return made


def test_departures_and_arrivals_are_paired_in_order() -> None:
    """Departures and arrivals are paired in order."""
    way = Crossing()
    way.left(1.0)
    way.left(2.0)
    way.arrived(2.5)
    way.arrived(2.6)
    assert way.samples == [(1.0, 1.5), (2.0, pytest.approx(0.6))]
    assert way.within(1.5, 3.0) == [pytest.approx(0.6)]
    assert not way.awaited


def test_what_never_left_and_what_never_arrived_is_noticed() -> None:
    """An arrival without a departure and a missing arrival are both reported, because they break the pairs."""
    way = Crossing()
    way.arrived(1.0)
    way.left(2.0)
    assert way.strays == 1
    assert (way.overdue(3.0, 2.0), way.overdue(5.0, 2.0)) == (0, 1)


@pytest.mark.parametrize(("share", "value"), [(0.5, 2.0), (0.75, 3.0), (0.99, 4.0), (0.0, 1.0)])
def test_a_percentile_is_a_value_that_occurred(share: float, value: float) -> None:
    """A percentile is a measured value and not an interpolation."""
    assert percentile([4.0, 1.0, 3.0, 2.0], share) == value


def test_nothing_has_no_percentile() -> None:
    """The percentile of no values is not a number."""
    assert math.isnan(percentile([], 0.5))


def test_cpu_is_told_for_a_minute_of_one_call() -> None:
    """CPU is given per minute of one call: here 3 s of CPU in 10 s of 10 calls."""
    made = trial(3.0)
    assert made.cpu_per_call_minute == pytest.approx(1.8)
    assert made.core_share == pytest.approx(0.3)
    assert made.rss_per_call == pytest.approx(2_000_000)
    assert calls_per_core(made) == pytest.approx(33.3, abs=0.1)


def test_the_ratio_is_taken_round_by_round() -> None:
    """The ratio is computed per round, so that a slow minute of the machine cancels out."""
    stock = [trial(4.0), trial(8.0), trial(4.0)]
    ours = [trial(2.0), trial(4.0), trial(3.0)]
    assert median_ratio(stock, ours, lambda made: made.cpu_seconds) == pytest.approx(0.5)


def test_the_table_names_both_agents_and_their_ratio() -> None:
    """The table has a column for each agent and for their ratio, with the CPU first."""
    first, *rest = rows([trial(4.0)], [trial(2.0)])
    assert (first.stock, first.ours, first.ratio) == ("2.40", "1.20", 0.5)
    assert [row.stock for row in rest if row.name.startswith("webhook")] == ["none"]


def test_a_trial_that_does_not_count_says_why_once() -> None:
    """An invalid trial gives each reason once, also if twenty calls fail for it."""
    assert table.trouble([trial(1.0), trial(1.0, trouble=["webhook: 503"] * 20)]) == ["ours, 10 calls: webhook: 503"]


def test_load_may_add_a_tenth_of_a_second_to_what_one_call_sees() -> None:
    """Load may add 0.1 s to the delay of a single call, so that a resampler's own delay does not count."""
    alone = trial(1.0, calls=1, delays=[0.09])
    assert holds(trial(1.0, delays=[0.09, 0.18]), alone)
    assert not holds(trial(1.0, delays=[0.09, 0.2]), alone)
    assert not holds(trial(1.0, trouble=["lost"]), alone)


def agent_that_holds(limit: int, harness: Callable[[int], float] = lambda _: 0.5) -> Callable[[int], Trial]:
    """Return an agent that fails beyond this number of calls."""

    def measure(calls: int) -> Trial:
        made = trial(1.0, calls=calls, delays=[0.01 if calls <= limit else 1.0])
        made.harness_cpu = harness(calls)
        return made

    return measure


@pytest.mark.parametrize("start", [10, 37, 60, 90])
async def test_the_search_comes_close_from_above_and_below(start: int) -> None:
    """The search finds the capacity of a core that handles 40 calls within eight trials."""
    agent = agent_that_holds(40)

    async def measure(calls: int) -> Trial:
        return agent(calls)

    found = await search(measure, trial(1.0, calls=1), start)
    assert len(found.trials) <= 8
    assert 32 <= found.passes <= 40
    assert found.fails is None or found.fails > 40


async def test_a_failure_that_others_may_have_caused_is_tried_again() -> None:
    """A failure during load of other processes is repeated and does not count."""
    agent = agent_that_holds(40)
    disturbances = iter([True, True])

    async def measure(calls: int) -> Trial:
        made = agent(calls)
        if next(disturbances, False):
            made.to_model, made.foreign_cpu = [5.0], 0.5
        return made

    found = await search(measure, trial(1.0, calls=1), 38)
    assert found.disturbed == 2
    assert 38 <= found.passes <= 40


async def test_the_search_says_when_the_callers_were_full_first() -> None:
    """A saturated harness ends the search, and the result is then a lower bound."""
    agent = agent_that_holds(1000, lambda calls: calls / 50)

    async def measure(calls: int) -> Trial:
        return agent(calls)

    found = await search(measure, trial(1.0, calls=1), 30)
    assert found.full_harness
    assert found.passes == 42
    assert "the callers' own core was full first" in table.capacity({"stock": Capacity(passes=30), "ours": found})


def test_a_reading_is_taken_from_what_linux_tells() -> None:
    """A process name with spaces and brackets does not shift the fields of its reading."""
    stat = "7 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0".rpartition(")")[2].split()
    reading = parse(stat, "Name:\ta\nVmRSS:\t  2048 kB\nThreads:\t3\n")
    assert (reading.rss_bytes, reading.threads) == (2048 * 1024, 3)
    assert reading.cpu_seconds > 0


def test_the_table_says_what_is_compared(tmp_path: Path) -> None:
    """The columns have the names of what is compared, and the ratio names both."""
    over_sdk, over_h2 = trial(4.0), trial(2.0)
    over_sdk.agent, over_h2.agent = "sdk", "h2"
    header = table.text(Load(10, 10.0, Cores(frozenset(), frozenset()), tmp_path), [over_sdk], [over_h2]).splitlines()[
        2
    ]
    assert header.split() == ["sdk", "h2", "h2/sdk"]


@pytest.mark.parametrize(("foreign", "warned"), [(0.05, False), (0.4, True)])
def test_the_report_says_when_others_used_the_agents_core(tmp_path: Path, foreign: float, warned: bool) -> None:  # noqa: FBT001
    """The report says when other processes used the agent's core, which makes it look cheaper."""
    stock, ours = trial(4.0), trial(2.0)
    ours.foreign_cpu = foreign
    load = Load(10, 10.0, Cores(frozenset({0}), frozenset({1})), tmp_path)
    assert ("idle machine" in table.text(load, [stock], [ours])) is warned


def test_without_a_second_core_the_report_says_so() -> None:
    """Without a second core the report says that the figures include the callers' work."""
    assert "nobody is pinned" in str(Cores(frozenset(), frozenset()))
    assert "core 0" in str(Cores(frozenset({0}), frozenset({1})))
