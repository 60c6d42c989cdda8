"""Other programs run without a shell, are followed line by line, and are killed at their time limit."""

import sys
from pathlib import Path

from deployment.subprocesses import NOT_FOUND, TOO_LONG, RealPrograms


def python(code: str) -> list[str]:
    """Return a command that runs this code."""
    return [sys.executable, "-S", "-c", code]


def test_a_program_reads_its_stdin_and_is_followed_line_by_line(tmp_path: Path) -> None:
    """A program reads its standard input, such as docker's token, and its output is shown line by line."""
    lines: list[str] = []
    code = "import os, sys; print(sys.stdin.read(), flush=True); print(os.environ['X'], os.getcwd(), file=sys.stderr)"
    code += "; sys.exit(3)"
    done = RealPrograms(tmp_path).run(python(code), stdin="secret", env={"X": "x"}, on_line=lines.append)
    assert done.code == 3
    assert lines == ["secret", f"x {tmp_path}"]
    assert done.tail(1) == [f"x {tmp_path}"]


def test_a_program_that_is_not_there_is_no_exception(tmp_path: Path) -> None:
    """A missing program is a result and not an exception."""
    assert RealPrograms(tmp_path).run(["no-such-program-here"]).code == NOT_FOUND


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    """A program that hangs is killed at its time limit."""
    assert RealPrograms(tmp_path).run(python("import time; time.sleep(60)"), seconds=0.3).code == TOO_LONG
