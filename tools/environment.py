"""Make `.venv` from the locks, once; a half-made one is never taken for a good one."""

from __future__ import annotations

import json
import os
import platform
import shutil
from typing import TYPE_CHECKING

from tools.workspace import ROOT, lock, made_from, members, program

if TYPE_CHECKING:
    from pathlib import Path

    from tools.progress import Progress

VENV = ROOT / ".venv"

_COMPILER = ROOT / "infra" / "images" / "compiler"


class Environment:
    """A virtual environment and the note inside it that says what it was made from.

    The note is written last and removed first, so that it is there only while the environment is whole.
    """

    def __init__(self, folder: Path = VENV) -> None:
        self.folder = folder
        self._note = folder / "made-from.json"
        self._python = program(folder, "python")

    def is_current(self) -> bool:
        """Tell whether it is whole, belongs here, and was made from the files as they are now."""
        return self._made_from() == made_from()

    def has_packages(self) -> bool:
        """Tell whether its third-party packages are right, so that only our own have to be installed again."""
        return self._made_from().get("packages") == made_from()["packages"]

    def make(self, python: Path, progress: Progress) -> bool:
        """Make it from nothing and fill it with the packages of the locks; every one is checked against its hash."""
        self._note.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        return (
            progress.run("virtual environment", [str(python), "-m", "venv", str(self.folder)])
            # What installs, and what builds the two packages that come as source only: with these in place
            # nothing is fetched that no lock names.
            and progress.run("installer", self._pip("--require-hashes", *_locks("installer", "build", *builders())))
            and self._install("packages", "--require-hashes", *_locks("dev"), progress=progress)
        )

    def install_members(self, progress: Progress) -> bool:
        """Install our own distributions, editable, and write the note."""
        self._note.unlink(missing_ok=True)
        # A step of its own, because it takes longer than the rest; where it fails, the service says what to do,
        # and all that is not the page works.
        progress.run("page", page(self.folder))
        ours = [word for member in members() for word in ("-e", str(ROOT / member))]
        if not self._install("our own", "--no-deps", *ours, progress=progress):
            return False
        draft = self._note.with_suffix(".draft")
        draft.write_text(json.dumps(made_from()), encoding="utf-8")
        draft.replace(self._note)
        return True

    def _install(self, step: str, *arguments: str, progress: Progress) -> bool:
        """Install with uv (4 s instead of pip's 40), or with pip: it may know a mirror or a certificate uv does not."""
        uv = [str(program(self.folder, "uv")), "pip", "install", "--python", str(self._python), "--no-build-isolation"]
        environ = dict(os.environ)
        if builders():
            path = [str(_COMPILER), str(self._python.parent), environ.get("PATH", os.defpath)]
            environ |= {"CC": "cc", "PATH": os.pathsep.join(path)}
        return progress.run(step, [*uv, *arguments], environ=environ) or progress.run(
            f"{step}, with pip", self._pip("--no-build-isolation", *arguments), environ=environ
        )

    def _pip(self, *arguments: str) -> list[str]:
        quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar=off", "--no-compile"]
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


def page(environment: Path) -> list[str]:
    """Give the command that builds the visitor's page, unless that is newer than its sources."""
    return [str(program(environment, "python")), str(ROOT / "services" / "webrtc-agent" / "hatch_build.py")]


def _locks(*names: str) -> list[str]:
    return [word for name in names for word in ("-r", str(lock(name)))]
