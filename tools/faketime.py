"""Runs programs with another wall clock, using libfaketime.

The monotonic clock stays real, so that waits and timeouts have their normal length. The time of day is shifted by an
offset instead of starting at an instant ("@"), which would start anew in each child process: a server that a test
starts after five minutes would be five minutes behind the test.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

CLOCK_VARIABLES = (
    "LD_PRELOAD",
    "FAKETIME",
    "FAKETIME_DONT_FAKE_MONOTONIC",
    "FAKETIME_FORCE_MONOTONIC_FIX",
    "FAKETIME_SHARED",
    "NO_FAKE_STAT",
)
"""Variables that a child process must inherit; libfaketime itself adds FAKETIME_SHARED."""
INSTALL = "libfaketime is missing: `apt-get install libfaketime`, or set FAKETIME_LIB to its libfaketime.so.1"

# libfaketime 0.9.10 (Debian 12) also shifts sleeps on the monotonic clock, although it is configured not to.
# Python 3.11 and newer sleep that way, and fail with EINVAL (wolfcw/libfaketime issue 426).
_SLEEP = """
#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *request, struct timespec *remain)
{
    return syscall(SYS_clock_nanosleep, clock, flags, request, remain) == 0 ? 0 : errno;
}
"""
_PROBE = "import time; time.sleep(0.001); print(time.time())"
_A_YEAR = 365 * 24 * 3600.0


class UnavailableError(Exception):
    """The clock cannot be shifted on this machine."""


class FakeTime:
    """Shifts the wall clock of programs."""

    def __init__(self, preload: str) -> None:
        self._preload = preload

    @classmethod
    def found(cls, folder: Path) -> FakeTime:
        """Find libfaketime, and check that Python works with it.

        Args:
            folder: Receives a small compiled library if libfaketime is too old for Python 3.11.

        Raises:
            UnavailableError: It is missing, or does not work; the text says what to do.
        """
        library = _library()
        # Without the patch first: newer versions need none.
        if _works(plain := cls(library)):
            return plain
        if _works(patched := cls(f"{_compiled(folder)}:{library}")):
            return patched
        raise UnavailableError(f"Python cannot run under {library}")

    def environ(self, instant: float) -> dict[str, str]:
        """Return the environment with a clock that shows about `instant` (seconds since 1970) now."""
        preload = ":".join(filter(None, [self._preload, os.environ.get("LD_PRELOAD")]))
        return {
            **os.environ,
            "LD_PRELOAD": preload,
            # Relative, so that time continues during the run.
            "FAKETIME": f"{round(instant - time.time()):+d}",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Otherwise waits for Python's GIL end at once, and switching threads takes 200 ms instead of 0.1.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            # File times stay real: with shifted ones, Python would recompile all modules for each date.
            "NO_FAKE_STAT": "1",
        }

    def forget(self, pid: int) -> None:
        """Delete the shared memory of a killed process: a later process with the same ID could not start."""
        for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
            Path("/dev/shm", name).unlink(missing_ok=True)  # noqa: S108 - libfaketime's own location


def _library() -> str:
    named = os.environ.get("FAKETIME_LIB")
    # Debian and Ubuntu have a folder for each architecture.
    found = [Path(named)] if named else sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found or not found[0].is_file():
        raise UnavailableError(INSTALL)
    return str(found[0])


def _compiled(folder: Path) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        raise UnavailableError("this version of libfaketime needs a C compiler: `apt-get install gcc libc6-dev`")
    folder.mkdir(parents=True, exist_ok=True)
    source, library = folder / "sleep.c", folder / "sleep.so"
    source.write_text(_SLEEP, encoding="utf-8")
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    return library


def _works(clock: FakeTime) -> bool:
    # A year is far more than any clock skew.
    then = time.time() + _A_YEAR
    done = subprocess.run(
        [sys.executable, "-c", _PROBE], env=clock.environ(then), capture_output=True, text=True, check=False
    )
    return done.returncode == 0 and abs(float(done.stdout) - then) < _A_YEAR / 2
