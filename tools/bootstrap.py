"""Make the environment that everything else runs in, unless it is there: `python3 -m tools.bootstrap`."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING

from tools.environment import Environment
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


def main() -> int:
    """Make the environment if need be.

    Returns:
        0 when it is there, 1 when it cannot be made, 130 when it was interrupted; the reason has been printed.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return _bootstrap()
    except KeyboardInterrupt:
        print("\n  Stopped. The next run starts over.", file=sys.stderr)
        return 130


def _bootstrap() -> int:
    environment = Environment()
    if environment.is_current():
        return 0
    progress = Progress(ROOT / ".venv.log")
    # Ended from outside, it still ends what it runs: an installer left behind would write into the next .venv.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with one_at_a_time(ROOT / ".venv.lock", lambda: progress.say("  Another process makes .venv; waiting for it.")):
            return 0 if environment.is_current() or _make(environment, progress) else 1
    except TimeoutError as reason:
        progress.say(f"  {reason}.")
    return 1


def _make(environment: Environment, progress: Progress) -> bool:
    started = time.monotonic()
    if not environment.has_packages():
        python = _python(progress)
        if python is None:
            return False
        progress.say(f"  Making .venv, once, with {python}")
        if not environment.make(python, progress):
            return _failed(progress)
    if not environment.install_members(progress):
        return _failed(progress)
    progress.say(f"  Ready after {time.monotonic() - started:.0f} s.\n")
    return True


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


def _failed(progress: Progress) -> bool:
    progress.say("\n  The environment could not be made. The last lines of what was tried:")
    progress.show_log()
    return False


if __name__ == "__main__":
    sys.exit(main())
