"""Make the environment that everything else runs in, unless it is there: `python3 -m tools.bootstrap`.

With `--tests` it gets what tests and checks need, too. With `--page=wanted` a page that is missing is built, and with
`--page=required` it is an error when that fails; a new environment gets its page in any case.
"""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING

from tools import caches
from tools.environment import Environment, has_page
from tools.fetch_python import fetch
from tools.find_python import find
from tools.one_at_a_time import one_at_a_time
from tools.progress import Progress
from tools.workspace import PYTHON_VERSION, ROOT

if TYPE_CHECKING:
    from pathlib import Path

_INSTALL = f"""
  This project needs Python {PYTHON_VERSION}. None was found, and none could be fetched. Install one:
    Debian, Ubuntu  sudo apt install python{PYTHON_VERSION} python{PYTHON_VERSION}-venv
    Fedora          sudo dnf install python{PYTHON_VERSION}
    macOS           brew install python@{PYTHON_VERSION}
    Windows         winget install Python.Python.{PYTHON_VERSION}
    anywhere        uv python install {PYTHON_VERSION}   or   pyenv install {PYTHON_VERSION}
                    (also where a release, like Debian 12, packages another version)
  Then run the same command again; it need not be the active Python."""


def main(arguments: list[str]) -> int:
    """Make the environment if need be.

    Returns:
        0 when it is there, 1 when it cannot be made or lacks a page that is required, 2 for an unknown argument,
        130 when it was interrupted; the reason has been printed.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    unknown = [one for one in arguments if one not in {"--tests", "--page=wanted", "--page=required"}]
    if unknown:
        print(f"tools.bootstrap: no argument {unknown[0]}; see the head of tools/bootstrap.py", file=sys.stderr)
        return 2
    try:
        return _bootstrap(tests="--tests" in arguments, page=arguments)
    except KeyboardInterrupt:
        print("\n  Stopped. The next run starts over.", file=sys.stderr)
        return 130


def _bootstrap(*, tests: bool, page: list[str]) -> int:
    required = "--page=required" in page
    wanted = required or "--page=wanted" in page
    environment = Environment()
    if environment.is_current(tests=tests) and (has_page() or not wanted):
        return 0
    # Ended from outside, it still ends what it runs: an installer left behind would write into the next .venv.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        progress = Progress(ROOT / ".venv.log")
        with one_at_a_time(ROOT / ".venv.lock", lambda: progress.say("  Another process makes .venv; waiting for it.")):
            return _make(environment, progress, tests=tests, wanted=wanted, required=required)
    except TimeoutError as reason:
        print(f"  {reason}.", file=sys.stderr)
    except OSError as reason:
        print(f"  This folder cannot be written: {reason}.", file=sys.stderr)
    return 1


def _make(environment: Environment, progress: Progress, *, tests: bool, wanted: bool, required: bool) -> int:
    started = time.monotonic()
    is_new = not environment.is_current(tests=tests)
    if is_new and not _install(environment, progress, tests=tests):
        progress.say("\n  The environment could not be made.")
        return 1
    if has_page() and not is_new:  # another process has done it
        return 0
    has_it = environment.build_page(progress, tests=tests) if is_new or wanted else has_page()
    if has_it or is_new:
        caches.empty()
    if has_it:
        progress.say(f"  Ready after {time.monotonic() - started:.0f} s.\n")
    else:
        progress.say("  The page is missing. Telephone calls work: make run, make call. To build it later: make page\n")
    return 1 if required and not has_it else 0


def _install(environment: Environment, progress: Progress, *, tests: bool) -> bool:
    if not environment.has_packages():
        python = _python(progress)
        if python is None:
            return False
        progress.say(f"  Making .venv, once, with {python}")
        if not environment.make(python, progress, tests=tests):
            return False
        return environment.install_members(progress, tests=tests)
    if tests and not environment.has_tests():
        progress.say("  Adding to .venv, once, what tests and checks need")
        if not environment.add_tests(progress):
            return False
    return environment.install_members(progress, tests=tests)


def _python(progress: Progress) -> Path | None:
    search = find()
    if search.python is not None:
        return search.python
    progress.say(f"  No Python {PYTHON_VERSION} here; trying to fetch one.")
    fetched = fetch(progress)
    if fetched is None:
        progress.say(_INSTALL)
        for python in search.without_venv:
            progress.say(f"  ({python} is there but lacks venv: install python{PYTHON_VERSION}-venv.)")
    return fetched


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
