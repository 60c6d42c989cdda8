"""Each entry point with a few thousand inputs, always the same ones; `make fuzz` tries a million."""

import time
from collections.abc import Callable

import pytest

from tests.fuzzing.campaign import Campaign
from tests.fuzzing.mutation import Mutator
from tests.fuzzing.target import Target
from tests.fuzzing.targets import TARGETS

RUNS = 2000


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_wrong_comes_of_any_input(name: str) -> None:
    """An input raises only errors that the entry point expects, is handled quickly, and leaves nothing in memory."""
    target = TARGETS[name]()
    try:
        report = Campaign(target, runs=round(RUNS * target.share) or 1).run()
    finally:
        target.close()
    assert report.faults == []
    assert report.lines > 20


class _Leaky(Target):
    """An entry point with every fault that a campaign looks for."""

    name = "leaky"
    folders = ("test_fuzz.py",)
    seeds = (b"slow", b"fast")

    def __init__(self, fault: Callable[["_Leaky", bytes], None]) -> None:
        self.fault = fault
        self.kept: list[list[int]] = []

    def vary(self, case: bytes, mutator: Mutator) -> bytes:
        """Change some bytes, but leave the slow case unchanged."""
        return mutator.damage(case.replace(b"slow", b"fast"))

    def run(self, case: bytes) -> None:
        """Do what is wrong."""
        self.fault(self, case)


def _raises(_: _Leaky, case: bytes) -> None:
    if b"{" in case:
        raise ZeroDivisionError


def _takes_long(_: _Leaky, case: bytes) -> None:
    end = time.thread_time() + (0.06 if case == b"slow" else 0.0)
    while time.thread_time() < end:
        pass


def _keeps(leaky: _Leaky, case: bytes) -> None:
    leaky.kept.append([len(case)])


@pytest.mark.parametrize(
    ("fault", "reported"),
    [(_raises, "ZeroDivisionError"), (_takes_long, " ms for b'slow'"), (_keeps, "objects stayed")],
)
def test_a_campaign_tells_what_is_wrong(fault: Callable[[_Leaky, bytes], None], reported: str) -> None:
    """An entry point that raises, is slow or leaks memory fails its campaign."""
    report = Campaign(_Leaky(fault), runs=3000).run()
    assert any(reported in line for line in report.faults), str(report)
