"""Runs the tests with the wall clock set to other dates: `python -m tools.dates --dates 30 -- tests/unit`.

The first dates are edge cases, the others are random dates of the next five years. Needs libfaketime; exits with 1 if a
test fails on any date.
"""

from __future__ import annotations

import argparse
import random
import shlex
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tools.faketime import FakeTime, UnavailableError
from tools.suite import Run, counts, failures, run, stopped_by_signals
from tools.workspace import ROOT, VENV, program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

ALL_PASSED, SOME_FAILED, NOT_RUN = 0, 1, 2
FOLDER = ROOT / ".run" / "dates"
_DAYS_AHEAD = 5 * 365


@dataclass(frozen=True)
class DateCase:
    """A local time, and why it is an edge case."""

    at: str
    zone: str
    why: str

    @property
    def instant(self) -> float:
        """Seconds since 1970; for an hour that occurs twice, the first."""
        return datetime.fromisoformat(self.at).replace(tzinfo=ZoneInfo(self.zone)).timestamp()


AWKWARD = (
    DateCase("2028-02-29 12:00:00", "UTC", "leap day"),
    DateCase("2027-12-31 23:59:30", "UTC", "the year ends during the run"),
    DateCase("2029-01-01 00:00:30", "UTC", "the year has just begun"),
    DateCase("2027-03-28 01:59:30", "Europe/Stockholm", "clocks go forward in Europe"),
    DateCase("2027-10-31 02:59:30", "Europe/Stockholm", "clocks go back in Europe"),
    DateCase("2028-03-12 01:59:30", "America/New_York", "clocks go forward in the US"),
    DateCase("2028-11-05 01:59:30", "America/New_York", "clocks go back in the US"),
    DateCase("2027-08-15 12:00:00", "UTC", "Sunday"),
    DateCase("2027-06-30 23:59:30", "UTC", "last day of a month of 30 days"),
    DateCase("2027-07-15 14:00:00", "Europe/Stockholm", "summer in the north"),
    DateCase("2028-01-18 14:00:00", "Europe/Stockholm", "winter in the north"),
    DateCase("2028-01-20 14:00:00", "Australia/Sydney", "summer in the south"),
    DateCase("2027-07-20 14:00:00", "Australia/Sydney", "winter in the south"),
    DateCase("2038-01-19 03:12:00", "UTC", "32-bit seconds end in two minutes"),
)


def moments(count: int, seed: int, today: date) -> list[DateCase]:
    """Return the edge cases, then random dates; the same seed yields the same dates on the same day."""
    chance = random.Random(seed)  # noqa: S311 - a sample has to be repeatable, not secret
    # The awkward moments come first, so that few dates include them.
    midnight = datetime.combine(today, time(), UTC)
    others = (
        midnight + timedelta(days=chance.randrange(_DAYS_AHEAD), seconds=chance.randrange(24 * 3600))
        for _ in range(count - len(AWKWARD))
    )
    return [*AWKWARD[:count], *(DateCase(f"{each:%Y-%m-%d %H:%M:%S}", "UTC", "by chance") for each in others)]


def main(
    arguments: Sequence[str] | None = None,
    *,
    folder: Path = FOLDER,
    find_clock: Callable[[Path], FakeTime] = FakeTime.found,
) -> int:
    """Run the command once per date, print a row for each, and write the logs to `folder`."""
    options = _options(arguments)
    chosen = moments(options.dates, options.seed, datetime.now(UTC).date())
    numbered = [one for one in enumerate(chosen, 1) if not options.only or one[0] in options.only]
    if options.list:
        for number, moment in numbered:
            print(_described(number, moment))
        return ALL_PASSED
    command = [*shlex.split(options.command), *options.arguments]
    try:
        runner = _Runner(find_clock(folder), command, folder, options.timeout * 60)
        # Signals would otherwise leave the command and its children running.
        with stopped_by_signals():
            failed = sum(not runner.passes(number, moment) for number, moment in numbered)
    except UnavailableError as reason:
        print(reason, file=sys.stderr)
        return NOT_RUN
    print(f"{len(numbered) - failed} of {len(numbered)} dates passed.")
    return SOME_FAILED if failed else ALL_PASSED


@dataclass(frozen=True)
class _Runner:
    clock: FakeTime
    command: Sequence[str]
    folder: Path
    limit: float

    def passes(self, number: int, moment: DateCase) -> bool:
        """Run the command on one date and print its row."""
        environ = {**self.clock.environ(moment.instant), "TZ": moment.zone}
        done = run(self.command, self.folder / f"{number:02}.log", environ=environ, folder=ROOT, limit=self.limit)
        # libfaketime's shared memory outlives a process that was killed.
        self.clock.forget(done.pid)
        print(f"{_described(number, moment)}  {_outcome(done)}, {done.seconds:.0f} s", flush=True)
        for line in _details(done):
            print(f"      {line}", flush=True)
        return done.code == 0


def _described(number: int, moment: DateCase) -> str:
    return f"{number:>3}  {moment.at} {moment.zone:<16}  {moment.why:<33}"


def _outcome(done: Run) -> str:
    if done.code is None:
        return "FAILED: time limit"
    return f"{'passed' if done.code == 0 else 'FAILED'}: {counts(done.output) or f'exit code {done.code}'}"


def _details(done: Run) -> Iterator[str]:
    if done.code != 0:
        yield from failures(done.output) or ["no failed test in the output; see the log in .run/dates"]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.dates", description=__doc__)
    parser.add_argument("arguments", nargs="*", help="arguments of the command, after --: files, or pytest's options")
    parser.add_argument("--dates", type=int, default=30, metavar="N", help="number of dates (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random dates")
    parser.add_argument("--only", type=int, nargs="+", metavar="N", help="run only the dates with these numbers")
    parser.add_argument("--list", action="store_true", help="print the dates without running anything")
    parser.add_argument("--command", default=f"{program(VENV, 'pytest')} -q", help="default: pytest of .venv")
    parser.add_argument("--timeout", type=float, default=60, metavar="MINUTES", help="timeout per date")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
