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

# Prints the interpreter that stands behind a shim or a virtual environment: those may go away, and it stays.
_PROBE = """
import sys
assert sys.version_info[:2] == (%s), "other"
try:
    import ensurepip, venv
except ImportError:
    sys.exit("no venv")
print(getattr(sys, "_base_executable", None) or sys.executable)
""" % PYTHON_VERSION.replace(".", ", ")  # noqa: UP031 - the text is full of braces-free Python; % keeps it readable


@dataclass
class Search:
    """What a search found.

    Attributes:
        python: the interpreter to use, if any.
        without_venv: Pythons of the right version that cannot make an environment (Debian splits that part off).
    """

    python: Path | None = None
    without_venv: list[Path] = field(default_factory=list)


def find(environ: Mapping[str, str] = os.environ, home: Path | None = None) -> Search:
    """Look through all places in turn and stop at the first Python that can make an environment."""
    search, seen = Search(), set()
    for candidate in _candidates(environ, home or Path.home()):
        if candidate in seen or not candidate.is_file():
            continue
        seen.add(candidate)
        search.python = _probe(candidate, environ, search)
        if search.python is not None:
            break
    return search


def uv_commands(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    """List every `uv` there is: the one on PATH, and where its own installers put it."""
    on_path = shutil.which("uv", path=environ.get("PATH", ""))
    places = [home / ".local" / "bin" / "uv", home / ".cargo" / "bin" / "uv", FETCHED / "uv" / "bin" / "uv"]
    return (place for place in [*([Path(on_path)] if on_path else []), *places] if place.is_file())


def _candidates(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    yield Path(sys.executable)
    folders = [Path(folder) for folder in environ.get("PATH", "").split(os.pathsep) if folder]
    yield from (folder / f"python{PYTHON_VERSION}" for folder in folders)
    pyenv = Path(environ.get("PYENV_ROOT") or home / ".pyenv")
    yield from _newest_first(pyenv / "versions", f"{PYTHON_VERSION}*/bin/python{PYTHON_VERSION}")
    yield from _newest_first(FETCHED, f"cpython-{PYTHON_VERSION}*/bin/python{PYTHON_VERSION}")
    yield from _known_to_uv(environ, home)
    yield from _newest_first(home / ".asdf/installs/python", f"{PYTHON_VERSION}*/bin/python3")
    yield from _newest_first(home / ".local/share/mise/installs/python", f"{PYTHON_VERSION}*/bin/python3")
    for folder in ("/opt/homebrew/bin", "/usr/local/bin", "/usr/bin"):
        yield Path(folder) / f"python{PYTHON_VERSION}"
    yield Path(f"/Library/Frameworks/Python.framework/Versions/{PYTHON_VERSION}/bin/python{PYTHON_VERSION}")
    names = ("python.exe", "python3.exe") if os.name == "nt" else ("python3",)
    yield from (folder / name for folder in folders for name in names)


def _newest_first(folder: Path, pattern: str) -> list[Path]:
    """List matches with 3.12.10 before 3.12.9."""
    return sorted(folder.glob(pattern), key=lambda path: [int(part) for part in _digits(path)], reverse=True)


def _digits(path: Path) -> list[str]:
    words = "".join(letter if letter.isdigit() else " " for letter in str(path))
    return words.split()


def _known_to_uv(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    for uv in uv_commands(environ, home):
        answer = _output([uv, "python", "find", "--no-python-downloads", "--no-project", PYTHON_VERSION], environ)
        if answer:
            yield Path(answer)


def _probe(candidate: Path, environ: Mapping[str, str], search: Search) -> Path | None:
    """Ask a program whether it is the Python we need; note the ones that lack `venv`."""
    answer = _output([candidate, "-I", "-c", _PROBE], environ)
    if answer == "no venv":
        search.without_venv.append(candidate)
        return None
    return Path(answer) if answer else None


def _output(command: list[Path | str], environ: Mapping[str, str]) -> str:
    """Run a program from the root folder, where no .python-version can send pyenv's shims astray."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            env={**environ},
            cwd=Path(ROOT.anchor),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    if done.returncode != 0:
        return done.stderr.strip() if done.stderr.strip() == "no venv" else ""
    return done.stdout.strip()
