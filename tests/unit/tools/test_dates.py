"""Tests at other dates: the dates, the report, and a clock that child processes share."""

import subprocess
import sys
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tools.dates import ALL_PASSED, AWKWARD, NOT_RUN, SOME_FAILED, main, moments
from tools.faketime import CLOCK_VARIABLES, FakeTime, UnavailableError

TODAY = date(2027, 5, 1)


def unshifted(_folder: Path) -> FakeTime:
    """Replace the clock that libfaketime shifts, on a machine without it."""
    return FakeTime("")


def test_the_awkward_dates_come_first_and_the_rest_by_chance() -> None:
    """The same seed selects the same dates on the same day, all within five years."""
    chosen = moments(30, 1, TODAY)
    assert chosen == moments(30, 1, TODAY)
    assert chosen != moments(30, 2, TODAY)
    assert chosen[: len(AWKWARD)] == list(AWKWARD)
    assert len({moment.at for moment in chosen}) == 30
    days = [date.fromisoformat(moment.at[:10]) for moment in chosen[len(AWKWARD) :]]
    assert all(TODAY <= day < TODAY + timedelta(days=5 * 365) for day in days)
    assert moments(3, 1, TODAY) == list(AWKWARD[:3])


def test_every_awkward_date_is_what_it_says() -> None:
    """Each special date is what its name says, such as a clock change, a Sunday or a leap day."""
    by_reason = {moment.why: moment for moment in AWKWARD}
    for reason, hours in (
        ("forward in Europe", 1),
        ("back in Europe", -1),
        ("forward in the US", 1),
        ("back in the US", -1),
    ):
        moment = by_reason[f"clocks go {reason}"]
        assert _offset(moment.instant + 60, moment.zone) - _offset(moment.instant, moment.zone) == hours * 3600
    assert date.fromisoformat(by_reason["Sunday"].at[:10]).isoweekday() == 7
    assert by_reason["leap day"].at.startswith("2028-02-29")
    assert by_reason["32-bit seconds end in two minutes"].instant == 2**31 - 128


def _offset(instant: float, zone: str) -> float:
    at = datetime.fromtimestamp(instant, ZoneInfo(zone)).utcoffset()
    assert at is not None
    return at.total_seconds()


def test_a_row_for_each_date_and_the_failing_tests_below_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each date has a row with its failing tests, and the command gets the date, zone and arguments."""
    program = tmp_path / "program.py"
    program.write_text(
        "import os, sys\n"
        "assert sys.argv[1:] == ['-k', 'some']\n"
        "if os.environ['TZ'] == 'UTC': sys.exit(print('3 passed in 1.00s'))\n"
        "print('short test summary info\\nFAILED tests/a.py::b - no\\n1 failed, 2 passed in 1.00s')\n"
        "sys.exit(1)\n"
    )
    command = ["--dates", "4", "--command", f"{sys.executable} {program}", "--", "-k", "some"]
    assert main(command, folder=tmp_path, find_clock=unshifted) == SOME_FAILED
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 6
    assert "2028-02-29 12:00:00 UTC" in rows[0]
    assert "passed: 3 passed" in rows[0]
    assert "FAILED: 1 failed, 2 passed" in rows[3]
    assert rows[4].strip() == "tests/a.py::b"
    assert rows[5] == "3 of 4 dates passed."
    assert main(["--only", "1", *command], folder=tmp_path, find_clock=unshifted) == ALL_PASSED


def test_a_list_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Listing the dates runs no command and needs no libfaketime."""
    assert main(["--list", "--dates", "16", "--only", "2", "16"]) == ALL_PASSED
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_without_libfaketime_it_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without libfaketime one line explains how to install it."""
    monkeypatch.setenv("FAKETIME_LIB", str(tmp_path / "absent.so"))
    assert main(["--dates", "1"], folder=tmp_path) == NOT_RUN
    (line,) = capsys.readouterr().err.splitlines()
    assert "apt-get install libfaketime" in line


@pytest.mark.real_time("what it shifts is the machine's clock")
def test_another_date_reaches_child_processes_and_waits_stay_as_long(tmp_path: Path) -> None:
    """A shifted clock continues in child processes, and waits keep their length."""
    try:
        clock = FakeTime.found(tmp_path)
    except UnavailableError as reason:
        pytest.skip(str(reason))
    then = AWKWARD[0].instant
    child = "import time; print(time.time())"
    code = (
        f"import subprocess, sys, time; time.sleep(1.5); subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    )
    environ = clock.environ(then)
    started = time.monotonic()
    shown = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True).stdout
    assert 0.5 <= float(shown) - then <= time.monotonic() - started + 1
    assert {name for name in environ if "FAKE" in name} <= set(CLOCK_VARIABLES)
