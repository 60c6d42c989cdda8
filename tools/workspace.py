"""Where the workspace's parts are, and what an environment was made from."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON_VERSION = "3.12"


def members(root: Path = ROOT) -> list[str]:
    """Read the members' folders from the root pyproject.toml, relative to it.

    Read by pattern: Python 3.9 has no TOML parser, and the bootstrap may not need more than 3.9.
    """
    found = re.search(r"\[tool\.workspace\]\nmembers = \[(.*?)\]", _read(root / "pyproject.toml"), re.DOTALL)
    if found is None:
        msg = "pyproject.toml has no [tool.workspace] with its members"
        raise ValueError(msg)
    return re.findall(r'"([^"]+)"', found.group(1))


def lock(name: str, root: Path = ROOT) -> Path:
    """Tell where the lock file of this name is."""
    return root / "requirements" / f"{name}.txt"


def program(environment: Path, name: str) -> Path:
    """Tell where an environment keeps a program."""
    return environment / "Scripts" / f"{name}.exe" if os.name == "nt" else environment / "bin" / name


def made_from(root: Path = ROOT) -> dict[str, str]:
    """Fingerprint what an environment is made from.

    Returns:
        `packages` changes when those do that `make run` needs, or when the checkout moved, since an environment
        cannot be moved. `members` changes when one of our own distributions does, and `tests` when a package does
        that only tests and checks need.
    """
    packages = [root / ".python-version", *(lock(name, root) for name in ("installer", "build", "recogniser", "run"))]
    ours = [root / member / "pyproject.toml" for member in members(root)]
    return {
        "packages": _digest(packages, str(root)),
        "members": _digest(ours, *members(root)),
        "tests": _digest([lock("dev", root)]),
    }


def _digest(files: list[Path], *words: str) -> str:
    digest = hashlib.sha256("\n".join(words).encode())
    for file in files:
        digest.update(_read(file).encode())
    return digest.hexdigest()[:16]


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")
