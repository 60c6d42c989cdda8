"""A soak reports everything that it finds wrong."""

from dataclasses import replace

import pytest

from tests.soak.memory import Memory
from tests.soak.report import Report

GOOD = Report(
    minutes=20.0,
    calls=1010,
    turns=2500,
    clean_calls=1000,
    clean_problems={"dropped: stream_error": 1},
    touched_calls=10,
    touched_problems={"unanswered": 2},
    chosen=10,
    struck={"line_reset": 10},
    streams=1100,
    reasons={"caller_hung_up": 1010},
    slopes={"phone-1": 0.9},
    own_slopes={"phone-1": 0.4},
    sizes={"phone-1": (140.0, 141.0)},
    watched_seconds={"phone-1": 900.0},
)


def test_growth_is_seen() -> None:
    """Growth of two megabytes in ten minutes is measured as such, whatever the process did while it warmed up."""
    leaking = Memory("phone", 0, [(at, 100 + at / 300 + (at < 60) * 9, 50 + at / 600) for at in range(0, 900, 2)])
    assert leaking.slope(warm_up=60) == pytest.approx(2)
    assert leaking.slope(warm_up=60, own=True) == pytest.approx(1)
    # Any two points lie on a line.
    assert Memory("phone", 0, [(0, 1, 1), (1, 2, 1)]).slope(0) is None


@pytest.mark.parametrize(
    "good",
    [GOOD, replace(GOOD, minutes=2.0, slopes={"phone-1": 30.0}, watched_seconds={"phone-1": 60.0})],
    ids=["long", "short"],
)
def test_what_is_promised_holds(good: Report) -> None:
    """One call in a thousand may fail, and memory may grow by a megabyte in ten minutes."""
    assert good.failures == []
    assert "held" in str(good)


@pytest.mark.parametrize(
    "broken",
    [
        replace(GOOD, clean_problems={"dropped: stream_error": 2}),
        replace(GOOD, clean_calls=0, clean_problems={}),
        replace(GOOD, slopes={"phone-1": 1.1}),
        replace(GOOD, unbalanced=["streams (L2): 1 streams left open"]),
        replace(GOOD, watched_seconds={"phone-1": 60.0}),
        replace(GOOD, struck={}),
    ],
    ids=["two calls in a thousand", "no calls", "growth", "books", "nobody watched", "no fault"],
)
def test_what_does_not_hold_is_told(broken: Report) -> None:
    """Each broken promise alone is a failure, and its message names it."""
    assert len(broken.failures) == 1
    assert "did not hold" in str(broken)
