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
    "place",
    [
        "bin/python3.12",
        "bin/python3",
        "home/.pyenv/versions/3.12.1/bin/python3.12",
        "home/.asdf/installs/python/3.12.9/bin/python3.12",
        "home/.local/share/mise/installs/python/3.12/bin/python3.12",
        "system/python3.12",
    ],
)
def test_a_python_is_found_wherever_it_is(pretend: Pretend, place: str) -> None:
    """It need not be the active one, and need not be on PATH."""
    pretend.program(place, REAL)
    assert pretend.find("bin").python == base()


def test_uv_is_asked_for_the_pythons_it_keeps(pretend: Pretend) -> None:
    """A uv in the home folder counts also where PATH does not have it."""
    kept = pretend.program("kept/python", REAL)
    pretend.program("home/.local/bin/uv", f'test "$1 $2" = "python find" && echo "{kept}"')
    assert pretend.find("bin").python == base()


def test_a_shim_without_its_python_is_passed_over(pretend: Pretend) -> None:
    """The shims of pyenv exist for every version and fail for those that are not active."""
    pretend.program("shims/python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127")
    pretend.program("home/.pyenv/versions/3.12.1/bin/python3.12", REAL)
    assert pretend.find("shims").python == base()


def test_the_newest_of_several_is_taken(pretend: Pretend) -> None:
    """3.12.10 is newer than 3.12.9, though a sort of names says otherwise."""
    for version in ("3.12.9", "3.12.10", "3.12.2"):
        pretend.program(f"home/.pyenv/versions/{version}/bin/python3.12", f"echo /from/{version}")
    assert pretend.find("bin").python == Path("/from/3.12.10")


def test_a_python_of_another_version_is_not_taken(pretend: Pretend) -> None:
    """Only the version the locks were made for will do."""
    pretend.program("bin/python3", OTHER)
    pretend.program("bin/python3.12", OTHER)
    assert pretend.find("bin") == Search()


def test_a_python_without_venv_is_reported_but_not_taken(pretend: Pretend) -> None:
    """Debian keeps venv in a package of its own; the person is told which one is missing."""
    lame = pretend.program("bin/python3.12", DEBIAN_WITHOUT_VENV)
    assert pretend.find("bin") == Search(None, [lame])


def test_a_whole_python_is_preferred_to_one_without_venv(pretend: Pretend) -> None:
    """The search goes on after a Python that cannot be used."""
    pretend.program("bin/python3.12", DEBIAN_WITHOUT_VENV)
    pretend.program("system/python3.12", REAL)
    assert pretend.find("bin").python == base()


def test_an_empty_machine_has_neither_python_nor_uv(pretend: Pretend) -> None:
    """Nothing found is an answer, not an error."""
    (pretend.folder / "bin").mkdir()
    assert pretend.find("bin") == Search()
    assert not [uv for uv in uv_commands(pretend.machine("bin")) if pretend.folder in uv.parents]
