"""How the report judges a run next to an abusive visitor."""

from dataclasses import replace

from tests.endurance.report import Report, Slice, gaps

SLICES = [Slice(0, 10, abused=False), Slice(10, 20, abused=True)]
HELD = Report(
    visitors=10,
    minutes={True: 5.0, False: 5.0},
    gaps={True: [0.3] * 20, False: [0.3] * 15},
    lags_ms={True: [20.0], False: [10.0]},
    stalled_seconds=1.0,
    memory=(180.0, 180.5),
    slope=0.5,
    watched_seconds=600,
    answers=100,
    ended={"caller_hung_up": 10},
)


def test_gaps_belong_to_the_time_in_which_they_began() -> None:
    """Gaps between slices and short gaps are left out."""
    arrivals = [0.0, 0.1, 0.4, 5.0, 10.5, 10.8, 19.9, 20.5]
    assert [len(gaps(arrivals, [], SLICES)[abused]) for abused in (False, True)] == [3, 3]


def test_what_the_listener_slept_through_is_no_gap() -> None:
    """A gap while the listener's own machine was busy does not count."""
    found = gaps([1.0, 1.5, 12.0, 12.5], [(1.05, 1.45), (12.0, 12.1)], SLICES)
    assert [len(found[abused]) for abused in (False, True)] == [1, 1]


def test_a_run_is_judged_by_what_the_abuser_has_caused() -> None:
    """Only what the abuser adds counts, not what the machine causes in both halves."""
    assert HELD.failures == []
    assert "held" in str(HELD)
    worse = replace(HELD, gaps={True: [0.3] * 80, False: [0.3] * 15})
    assert len(worse.failures) == 1


def test_a_leak_is_told_when_it_was_watched_for_long_enough() -> None:
    """The report names a leak that was watched for long enough, and every book that does not balance."""
    assert len(replace(HELD, slope=5.0).failures) == 1
    assert replace(HELD, slope=5.0, watched_seconds=60).failures == []
    assert replace(HELD, unbalanced=["a place is taken"]).failures == ["a place is taken"]
