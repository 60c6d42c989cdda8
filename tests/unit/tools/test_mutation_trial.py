"""Mutation runs in a small repository: what counts as caught, and that every file is restored."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tools.mutation.__main__ import ALL_CAUGHT, NOT_RUN, SURVIVED, main
from tools.mutation.mutation_run import caught_by
from tools.suite import Run, Stopped

CODE = "def less(a, b):\n    return a < b\n"
SOURCE = "one/src/one/code.py"
NOTICES = f"exec(open({SOURCE!r}).read()); assert less(1, 2) is True and less(2, 2) is False"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Create a repository with one function, which has two mutations."""
    path = tmp_path / SOURCE
    path.parent.mkdir(parents=True)
    path.write_text(CODE)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    (tmp_path / "pyproject.toml").write_text('[tool.workspace]\nmembers = ["one"]\n')
    (tmp_path / ".gitignore").write_text(".run\n__pycache__\n")
    author = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    for command in (["init", "-q"], ["add", "."], [*author, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)  # noqa: S607 - git is found where the developer has it
    return tmp_path


def check(repository: Path, python: str, *more: str) -> int:
    """Run the check with a command in Python, and check that it restored the file."""
    command = shlex.join([sys.executable, "-c", python])
    try:
        return main(["--command", command, "--count", "2", *more], repository)
    finally:
        assert (repository / SOURCE).read_text() == CODE
        assert (repository / SOURCE).stat().st_mtime == 1_000_000_000


def test_a_test_that_looks_catches_every_mutation(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A test of the boundary and the result catches every mutation, and the unchanged code passes."""
    assert check(repository, NOTICES) == ALL_CAUGHT
    printed = capsys.readouterr().out
    assert "unchanged: exit code 0" in printed
    assert f"| 1 | one | {SOURCE}:2 | `return a < b` → `return None` | exit code 1 |" in printed
    assert "2 of 2 caught, 0 of them by a test." in printed


def test_a_survivor_is_reported_and_written(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mutation that no test catches is reported and written to the file."""
    assert check(repository, NOTICES.partition(" and ")[0], "--json", str(repository / "out.json")) == SURVIVED
    printed = capsys.readouterr().out
    assert "SURVIVED" in printed
    assert "1 of 2 caught" in printed
    written = json.loads((repository / "out.json").read_text())["mutants"]
    assert [(each["after"], each["caught"]) for each in written] == [("return None", True), ("return a <= b", False)]


def test_a_number_can_be_tried_alone(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A single mutation can be tested by its number, without a run of the unchanged code."""
    assert check(repository, "pass", "--only", "2", "--no-baseline") == SURVIVED
    assert "0 of 1 caught" in capsys.readouterr().out


def test_a_list_runs_nothing(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Listing runs no command and shows each mutation with its number, place and change."""
    assert check(repository, "raise SystemExit(9)", "--list") == ALL_CAUGHT
    assert "return a < b → return a <= b" in capsys.readouterr().out


def test_a_command_that_fails_anyway_proves_nothing(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A command that already fails on the unchanged code is rejected, because it would catch everything."""
    assert check(repository, "raise SystemExit(3)") == NOT_RUN
    assert "fails on unchanged code" in capsys.readouterr().err


def test_a_file_with_changes_is_not_touched(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file with uncommitted changes is not mutated, because git could not restore it."""
    path = repository / SOURCE
    path.write_text(CODE + "# mine\n")
    assert main(["--command", "true"], repository) == NOT_RUN
    assert path.read_text() == CODE + "# mine\n"
    assert f"M {SOURCE}" in capsys.readouterr().err


@pytest.mark.real_time("a program that hangs is always busy")
def test_a_command_that_hangs_is_ended_and_counts_as_caught(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command that hangs is killed and counts as caught, as with an endless loop."""
    assert check(repository, "while True: pass", "--no-baseline", "--only", "1", "--timeout", "0.005") == ALL_CAUGHT
    assert "caught by time limit" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_in_the_middle_puts_the_file_back(repository: Path, name: str) -> None:
    """A signal such as Ctrl-C restores the file."""
    stop = f"import os, signal, time; os.kill(os.getppid(), signal.{name}); time.sleep(60)"
    with pytest.raises(Stopped):
        check(repository, stop, "--no-baseline")


@pytest.mark.parametrize(
    ("output", "by"),
    [
        (
            "= short test summary info =\nFAILED tests/a.py::b[c d] - assert 1\nFAILED tests/a.py::e\n",
            "tests/a.py::b[c d]",
        ),
        ("= short test summary info =\nERROR tests/a.py - SyntaxError\n", "tests/a.py"),
        ('one/a.py:3: error: No "x"  [attr-defined]\nFound 1 error in 1 file\n', "mypy: attr-defined at one/a.py:3"),
        ("PLR0133 Two constants\n --> one/a.py:3:4\n  |\n", "ruff: PLR0133 at one/a.py:3"),
        ("Would reformat: one/a.py\n1 file would be reformatted\n", "ruff format: one/a.py"),
        ("agent_core knows no stand-in BROKEN\n", "import contract: agent_core knows no stand-in"),
        ("+++++++++ Timeout ++++++++++\n", "pytest-timeout"),
        ("Segmentation fault\n", "exit code 7"),
    ],
)
def test_what_caught_a_mutation_is_read_from_the_output(output: str, by: str) -> None:
    """The row names the first failing test or, if no test ran, the linter that failed."""
    assert caught_by(Run(7, output, 1.0, 0)) == by


def test_a_run_that_something_else_ended_is_named() -> None:
    """A run that a signal ended is named: a crash may be the mutation's fault, SIGTERM is not."""
    assert caught_by(Run(-15, "", 1.0, 0)) == "signal SIGTERM"
