"""When a task reports its free slots."""

from agent_core.observability.emf_exporter import FAST_SECONDS, Beat


def values(start: float, lates: list[float]) -> list[float]:
    """Return when values are written from a start on, each so many seconds later than it is due."""
    beat, now, written = Beat(start), start, []
    for late in lates:
        now += beat.wait(now) + late
        written.append(now)
        beat.done(now)
    return written


def test_each_period_of_the_clock_has_one_value_wherever_a_task_starts() -> None:
    """Tasks that start at any second report in the same periods, so that a sum counts each once."""
    for start in range(1000, 1020):
        written = values(start, [0.0] * 6)
        assert [now % FAST_SECONDS for now in written] == [FAST_SECONDS / 2] * 6
        assert [int(now // FAST_SECONDS) - int(written[0] // FAST_SECONDS) for now in written] == list(range(6))
        assert 0 <= written[0] - start <= FAST_SECONDS


def test_a_value_that_is_late_is_not_followed_by_another_in_its_period() -> None:
    """A loop that was blocked for twelve seconds skips a period; two values in one would double the capacity."""
    for late in (0.1, 4.9, 7.0, 12.0, 33.0):
        periods = [now // FAST_SECONDS for now in values(1001, [0.0, late, 0.0, 0.0])]
        assert len(set(periods)) == len(periods)
        assert periods == sorted(periods)
