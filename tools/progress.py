"""Run slow programs quietly: one line a step, its time, and below it the reason when it fails."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tools.failure_reason import failure_reason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import TextIO

# What would make an installer put files elsewhere than asked, or a Python see packages that are not its own.
_MISLEADING = {
    *("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"),
    *("PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_VIRTUALENV"),
}


class Progress:
    """Tells a person what goes on. Everything the programs print goes to a log file."""

    def __init__(self, log: Path, out: TextIO | None = None) -> None:
        self._log = log
        self._out = out or sys.stderr
        self._moving = self._out.isatty()
        self._log.write_text("", encoding="utf-8")

    def say(self, text: str) -> None:
        """Print one line."""
        print(text, file=self._out, flush=True)

    def run(
        self, step: str, command: list[str], *, environ: Mapping[str, str] = os.environ, patience: float = 900
    ) -> bool:
        """Run a program to its end and show how long it has been going.

        Args:
            step: what it does, a few words.
            command: the program and its arguments.
            environ: its environment; what could mislead an installer is left out.
            patience: seconds until it is ended and counts as failed.

        Returns:
            Whether it succeeded.
        """
        started = time.monotonic()
        before = self._log.stat().st_size
        clean = {name: value for name, value in environ.items() if name not in _MISLEADING}
        with self._log.open("a", encoding="utf-8") as log:
            print("$", *command, file=log, flush=True)
            child = subprocess.Popen(
                command, env=clean, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
            try:
                self._watch(child, step, started + patience, started)
            finally:
                _end(child)
        good = child.returncode == 0
        self._line(step, started, "✓" if good else "✗")
        self._out.write("\n")
        if not good:
            late = time.monotonic() - started >= patience
            self.say(f"      {f'It took longer than {patience:.0f} s.' if late else self._reason(before)}")
        self._out.flush()
        return good

    def _reason(self, start: int) -> str:
        with self._log.open("rb") as log:
            log.seek(start)
            return failure_reason(log.read().decode(errors="replace"), self._log.name)

    def _watch(self, child: subprocess.Popen[bytes], step: str, deadline: float, started: float) -> None:
        while child.poll() is None and time.monotonic() < deadline:
            if self._moving:
                self._line(step, started, "·")
            try:
                child.wait(0.2)
            except subprocess.TimeoutExpired:
                continue

    def _line(self, step: str, started: float, mark: str) -> None:
        start = "\r" if self._moving else ""
        self._out.write(f"{start}  {mark} {step:<36} {time.monotonic() - started:5.1f} s")
        self._out.flush()


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a program and what it started in turn: `venv` runs pip, pip runs build tools."""
    if sys.platform == "win32":
        child.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
