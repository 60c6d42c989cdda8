"""Find a Python 3.12 on this machine, also where it is not the active one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tools.workspace import PYTHON_VERSION, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FETCHED = ROOT / ".python"
"""Where `fetch_python` puts what it fetches."""

_NO_VENV = "no venv"

# Prints the interpreter that stands behind a shim or a virtual environment: those may go away, and it stays.
_PROBE = f"""
import sys
if "%d.%d" % sys.version_info[:2] != "{PYTHON_VERSION}":
    sys.exit(1)
try:
    import ensurepip, venv
except ImportError:
    print("{_NO_VENV}")
else:
    print(getattr(sys, "_base_executable", None) or sys.executable)
"""

_SYSTEM_FOLDERS = (
    Path("/opt/homebrew/bin"),
    Path("/usr/local/bin"),
    Path("/usr/bin"),
    Path(f"/Library/Frameworks/Python.framework/Versions/{PYTHON_VERSION}/bin"),
)


def _home() -> Path:
    """Return the person's folder; a user without one has no version manager there either."""
    try:
        return Path.home()
    except (RuntimeError, KeyError):
        return ROOT


@dataclass(frozen=True)
class Machine:
    """Where to look.

    Attributes:
        running: the interpreter that runs this.
        environ: the environment variables, of which PATH and PYENV_ROOT are read.
        home: the person's folder, where version managers keep interpreters.
        folders: where systems and installers put a Python that PATH may not name.
    """

    running: Path = Path(sys.executable)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    home: Path = field(default_factory=_home)
    folders: tuple[Path, ...] = _SYSTEM_FOLDERS


@dataclass
class Search:
    """What a search found.

    Attributes:
        python: the interpreter to use, if any.
        without_venv: Pythons of the right version that cannot make an environment (Debian splits that part off).
    """

    python: Path | None = None
    without_venv: list[Path] = field(default_factory=list)


def find(machine: Machine | None = None) -> Search:
    """Look through all places in turn and stop at the first Python that can make an environment."""
    machine = machine or Machine()
    search, seen = Search(), set()
    for candidate in _candidates(machine):
        if candidate in seen or not candidate.is_file():
            continue
        seen.add(candidate)
        search.python = _probe(candidate, machine, search)
        if search.python is not None:
            break
    return search


def uv_commands(machine: Machine) -> Iterator[Path]:
    """List every `uv` there is: the one on PATH, and where its own installers put it."""
    on_path = shutil.which("uv", path=machine.environ.get("PATH", ""))
    places = [machine.home / ".local/bin/uv", machine.home / ".cargo/bin/uv", FETCHED / "uv/bin/uv"]
    return (place for place in [*([Path(on_path)] if on_path else []), *places] if place.is_file())


def _candidates(machine: Machine) -> Iterator[Path]:
    python = f"python{PYTHON_VERSION}"
    on_path = [Path(folder) for folder in machine.environ.get("PATH", "").split(os.pathsep) if folder]
    pyenv = Path(machine.environ.get("PYENV_ROOT") or machine.home / ".pyenv")
    yield machine.running
    yield from (folder / python for folder in on_path)
    yield from _newest_first(pyenv / "versions", f"{PYTHON_VERSION}*/bin/{python}")
    yield from _newest_first(FETCHED, f"cpython-{PYTHON_VERSION}*/bin/{python}")
    yield from _known_to_uv(machine)
    yield from _newest_first(machine.home / ".asdf/installs/python", f"{PYTHON_VERSION}*/bin/{python}")
    yield from _newest_first(machine.home / ".local/share/mise/installs/python", f"{PYTHON_VERSION}*/bin/{python}")
    yield from (folder / python for folder in machine.folders)
    names = ("python.exe", "python3.exe") if os.name == "nt" else ("python3",)
    yield from (folder / name for folder in on_path for name in names)


def _newest_first(folder: Path, pattern: str) -> list[Path]:
    """List matches with 3.12.10 before 3.12.9."""
    return sorted(folder.glob(pattern), key=lambda path: [int(part) for part in _digits(path)], reverse=True)


def _digits(path: Path) -> list[str]:
    words = "".join(letter if letter.isdigit() else " " for letter in str(path))
    return words.split()


def _known_to_uv(machine: Machine) -> Iterator[Path]:
    for uv in uv_commands(machine):
        answer = _output([uv, "python", "find", "--no-python-downloads", "--no-project", PYTHON_VERSION], machine)
        if answer:
            yield Path(answer)


def _probe(candidate: Path, machine: Machine, search: Search) -> Path | None:
    """Ask a program whether it is the Python we need; note the ones that lack `venv`."""
    answer = _output([candidate, "-I", "-c", _PROBE], machine)
    if answer == _NO_VENV:
        search.without_venv.append(candidate)
        return None
    return Path(answer) if answer else None


def _output(command: list[Path | str], machine: Machine) -> str:
    """Run a program from the root folder, where no .python-version can send pyenv's shims astray."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            env={**machine.environ},
            cwd=Path(ROOT.anchor),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
