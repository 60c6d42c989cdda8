"""The search for Python 3.12, on machines made of folders and small scripts."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.find_python import Machine, Search, find, uv_commands

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the pretend programs are shell scripts")

REAL = f'exec "{sys.executable}" "$@"'
OTHER = "exit 1"
DEBIAN_WITHOUT_VENV = "echo 'no venv'"
SHIM = "echo 'pyenv: python3.12: command not found' >&2; exit 127"
"""Pyenv has one for every version, and it fails for those that are not active."""


@dataclass(frozen=True)
class Pretend:
    """A machine in a folder; nothing outside it is looked at."""

    folder: Path

    def program(self, place: str, script: str) -> Path:
        """Put a program somewhere on it."""
        path = self.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def find(self, *path: str) -> Search:
        """Search it, with these of its folders on PATH, from a Python that is not the right one."""
        return find(self.machine(*path))

    def machine(self, *path: str) -> Machine:
        """Describe it to the search."""
        running = self.program("running/python3", OTHER)
        on_path = os.pathsep.join(str(self.folder / part) for part in path)
        return Machine(running, {"PATH": on_path}, self.folder / "home", (self.folder / "system",))


@pytest.fixture
def pretend(tmp_path: Path) -> Pretend:
    """Give an empty machine."""
    return Pretend(tmp_path)


def base() -> Path:
    """Name the interpreter behind the environment that runs the tests."""
    return Path(getattr(sys, "_base_executable", sys.executable))


@pytest.mark.parametrize(
    ("place", "first_on_path"),
    [
        ("bin/python3.12", None),
        ("bin/python3", None),
        ("home/.pyenv/versions/3.12.1/bin/python3.12", None),
        ("home/.asdf/installs/python/3.12.9/bin/python3.12", None),
        ("home/.local/share/mise/installs/python/3.12/bin/python3.12", None),
        ("system/python3.12", None),
        ("home/.pyenv/versions/3.12.1/bin/python3.12", SHIM),
        ("system/python3.12", DEBIAN_WITHOUT_VENV),
    ],
)
def test_a_python_is_found_wherever_it_is(pretend: Pretend, place: str, first_on_path: str | None) -> None:
    """It need not be the active one, nor on PATH; the search goes on after one that cannot be used."""
    if first_on_path is not None:
        pretend.program("first/python3.12", first_on_path)
    pretend.program(place, REAL)
    assert pretend.find("first", "bin").python == base()


def test_uv_is_asked_for_the_pythons_it_keeps(pretend: Pretend) -> None:
    """A uv in the home folder counts also where PATH does not have it."""
    kept = pretend.program("kept/python", REAL)
    pretend.program("home/.local/bin/uv", f'test "$1 $2" = "python find" && echo "{kept}"')
    assert pretend.find("bin").python == base()


def test_the_newest_of_several_is_taken(pretend: Pretend) -> None:
    """3.12.10 is newer than 3.12.9, though a sort of names says otherwise."""
    for version in ("3.12.9", "3.12.10", "3.12.2"):
        pretend.program(f"home/.pyenv/versions/{version}/bin/python3.12", f"echo /from/{version}")
    assert pretend.find("bin").python == Path("/from/3.12.10")


@pytest.mark.parametrize("places", [(), ("bin/python3", "bin/python3.12")], ids=["nothing", "other versions"])
def test_without_our_version_neither_python_nor_uv_is_found(pretend: Pretend, places: tuple[str, ...]) -> None:
    """Only the version the locks were made for will do; nothing found is an answer, not an error."""
    (pretend.folder / "bin").mkdir()
    for place in places:
        pretend.program(place, OTHER)
    assert pretend.find("bin") == Search()
    assert not [uv for uv in uv_commands(pretend.machine("bin")) if pretend.folder in uv.parents]


def test_a_python_without_venv_is_reported_but_not_taken(pretend: Pretend) -> None:
    """Debian keeps venv in a package of its own; the person is told which one is missing."""
    lame = pretend.program("bin/python3.12", DEBIAN_WITHOUT_VENV)
    assert pretend.find("bin") == Search(None, [lame])
