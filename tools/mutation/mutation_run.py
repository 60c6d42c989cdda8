"""Tries one mutation: applies it to the file, runs the command, and restores the file."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.suite import Run, failures, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tools.mutation.sample import Mutant

_LINT = (
    (re.compile(r"^(\S+\.py:\d+): error: .*\[([a-z-]+)\]$", re.MULTILINE), "mypy: {1} at {0}"),
    (re.compile(r"^([A-Z]+\d+) .*\n +--> (\S+?:\d+)", re.MULTILINE), "ruff: {0} at {1}"),
    (re.compile(r"^Would reformat: (\S+)", re.MULTILINE), "ruff format: {0}"),
    (re.compile(r"^(.+) BROKEN$", re.MULTILINE), "import contract: {0}"),
)
_HUNG = re.compile(r"^(?:\+{5,} )?Timeout(?: \+{5,}| \(>)", re.MULTILINE)


class UnsavedChangesError(Exception):
    """Mutating would lose uncommitted changes."""


@dataclass(frozen=True)
class MutationVerdict:
    """The result for one mutation."""

    caught: bool
    by: str
    seconds: float


@dataclass(frozen=True)
class Bench:
    """A repository, a command that should detect mutations, and its timeout."""

    root: Path
    command: Sequence[str]
    limit: float
    """Timeout in seconds."""

    def unchanged(self) -> Run:
        """Run the command on unchanged code."""
        return self._run("unchanged")

    def verdict(self, mutant: Mutant) -> MutationVerdict:
        """Run the command on one mutant.

        Raises:
            UnsavedChangesError: The file has uncommitted changes, or differs from the mutant's original.
        """
        # Also before each mutant: a developer may edit files meanwhile.
        refuse_changed(self.root, [mutant.file])
        with applied(self.root / mutant.file, mutant.original, mutant.mutated):
            done = self._run(f"{mutant.number:02}")
        return MutationVerdict(done.code != 0, "" if done.code == 0 else caught_by(done), done.seconds)

    def _run(self, name: str) -> Run:
        log = self.root / ".run" / "mutation" / f"{name}.log"
        options = os.environ.get("PYTEST_ADDOPTS", "")
        environ = {**os.environ, "PYTEST_ADDOPTS": f"{options} -x".strip()}  # the first failure is sufficient
        return run(self.command, log, environ=environ, folder=self.root, limit=self.limit)


def caught_by(done: Run) -> str:
    """Return what detected the mutation: the first failed test, a lint rule, or whatever else ended the run."""
    if done.code is None:
        # A test that fails says more than the linter that fails as well.
        return "time limit"
    failed = failures(done.output)
    if failed:
        return failed[0]
    for pattern, text in _LINT:
        found = pattern.search(done.output)
        if found:
            return text.format(*found.groups())
    if done.code < 0:  # a crash, or a signal from another program: worth a second run
        return f"signal {signal.Signals(-done.code).name}"
    return "pytest-timeout" if _HUNG.search(done.output) else f"exit code {done.code}"


def refuse_changed(root: Path, files: Sequence[str]) -> None:
    """Check that git can restore the files.

    Raises:
        UnsavedChangesError: A file has uncommitted changes, or there is no git repository.
    """
    status = ["git", "status", "--porcelain", "--", *files]
    done = subprocess.run(status, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UnsavedChangesError(done.stderr.strip())
    if done.stdout:
        raise UnsavedChangesError(f"commit or restore first:\n{done.stdout.rstrip()}")


@contextlib.contextmanager
def applied(path: Path, original: str, mutated: str) -> Iterator[None]:
    """Keep a file mutated for the duration of the block.

    Raises:
        UnsavedChangesError: The file differs from the original.
    """
    content, times = path.read_bytes(), path.stat()
    # Compare bytes: line endings must be restored as they were.
    if content != original.encode():
        raise UnsavedChangesError(f"{path} has changed since its mutations were chosen")
    try:
        path.write_bytes(mutated.encode())
        _forget_bytecode(path)
        yield
    finally:
        path.write_bytes(content)
        # Make and Python compare times, and the file is unchanged.
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        _forget_bytecode(path)


def _forget_bytecode(path: Path) -> None:
    """Delete cached bytecode: Python recompiles if a file's time or size changes, and a mutation may change neither."""
    Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)
