"""Runs a test command in its own process group, and finds the failed tests in its output."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import FrameType

_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+\.py(?:::[^\s\[]+(?:\[.*?\])?)?)(?: - .*)?$", re.MULTILINE)
_CLOSING = re.compile(r"^=* ?((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s", re.MULTILINE)
_SECONDS_TO_CLEAN_UP = 20.0


@dataclass(frozen=True)
class Run:
    """One run of a command."""

    code: int | None
    """The exit code, or None if the command exceeded its timeout and was killed."""
    output: str
    seconds: float
    pid: int


class Stopped(SystemExit):
    """A signal has ended the program."""


def run(command: Sequence[str], log: Path, *, environ: Mapping[str, str], folder: Path, limit: float) -> Run:
    """Run a command until it exits or exceeds `limit` seconds, with its output in `log`.

    The command and its children do not outlive this function, unless a child has left the process group.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("wb") as out:
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            # A session of its own, so that all its processes can be signalled together.
            start_new_session=True,
        )
        code: int | None = None
        try:
            # The timeout is a result and not an error.
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = child.wait(limit)
        finally:
            _end(child)
    output = log.read_text(encoding="utf-8", errors="replace")
    return Run(code, output, time.monotonic() - started, child.pid)


def failures(output: str) -> list[str]:
    """Return the IDs of the tests that failed or could not start, in the order of pytest's summary."""
    # A test that runs pytest itself may print another summary: use the last one.
    return list(dict.fromkeys(_FAILED.findall(output.rpartition("short test summary info")[2])))


def counts(output: str) -> str:
    """Return pytest's counts ("3 passed, 1 skipped"), or an empty string if it did not finish."""
    found = _CLOSING.findall(output)
    return str(found[-1]) if found else ""


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raise `Stopped` on the first SIGINT, SIGTERM or SIGHUP; ignore later ones, to clean up undisturbed."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(number: int, _frame: FrameType | None) -> None:
        # A second Ctrl-C must not interrupt the cleanup.
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(128 + number)

    before = {each: signal.signal(each, stop) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Stop the process group, first with SIGINT: on Ctrl-C, pytest stops the servers that its tests have started."""
    if child.poll() is None:
        # As Ctrl-C would: pytest then prints its summary.
        _send(child, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_SECONDS_TO_CLEAN_UP)
    # Whatever is left of the process group.
    _send(child, signal.SIGKILL)
    child.wait()


def _send(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)
