"""Running a test command: how its output is read, and that none of its processes remain."""

import os
import sys
import time
from pathlib import Path

import pytest

from tools.suite import counts, failures, run


def test_failures_are_read_from_the_last_summary_only() -> None:
    """Failures are read from the last summary, and printed or logged errors do not count."""
    output = (
        "= short test summary info =\nFAILED tests/inner.py::a\n= 1 failed in 0.10s =\n"
        "ERROR    library:file.py:3 a line of a log\n"
        "=== short test summary info ===\n"
        "FAILED tests/a.py::b - assert 1 == 2\nERROR tests/c.py::d[e - f]\nFAILED tests/a.py::b\n"
        "=== 2 failed, 13 passed, 1 skipped in 4.50s ===\n"
    )
    assert failures(output) == ["tests/a.py::b", "tests/c.py::d[e - f]"]
    assert counts(output) == "2 failed, 13 passed, 1 skipped"


def test_a_run_that_named_no_test_has_no_failures() -> None:
    """A run that names no test has no failures, whether it crashed or passed."""
    assert failures("FAILED tests are a nuisance\n") == []
    assert failures("3 passed in 0.12s\n") == []
    assert counts("3 passed in 62.12s (0:01:02)\n") == "3 passed"
    assert counts("Segmentation fault\n") == ""


def test_a_run_ends_with_its_children(tmp_path: Path) -> None:
    """A run ends with its child processes, or a forgotten server would block a port of the next run."""
    child = "import time; time.sleep(60)"
    code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {child!r}]).pid)"
    done = run([sys.executable, "-c", code], tmp_path / "log", environ=os.environ, folder=tmp_path, limit=20)
    assert done.code == 0
    _wait_for_the_end_of(int(done.output))


@pytest.mark.real_time("the limit counts while a program is busy too")
def test_a_command_is_ended_at_its_limit_as_ctrl_c_ends_it(tmp_path: Path) -> None:
    """A command gets SIGINT at its time limit, so that pytest can stop its fixtures."""
    code = "import time\ntry: time.sleep(60)\nexcept KeyboardInterrupt: print('cleaned up')"
    done = run([sys.executable, "-c", code], tmp_path / "log", environ=os.environ, folder=tmp_path, limit=3)
    assert (done.code, done.output) == (None, "cleaned up\n")
    assert done.seconds >= 3


def _wait_for_the_end_of(process: int) -> None:
    deadline = time.monotonic() + 10
    while Path(f"/proc/{process}").exists() and "Z" not in Path(f"/proc/{process}/stat").read_text().split()[2]:
        if time.monotonic() > deadline:
            pytest.fail("the child lives on")
        time.sleep(0.01)
