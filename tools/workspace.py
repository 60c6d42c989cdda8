"""Where the workspace's parts are."""

import os
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON_VERSION = "3.12"


def members(root: Path = ROOT) -> list[str]:
    """Read the members' folders from the root pyproject.toml, relative to it."""
    workspace = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["workspace"]
    return [*map(str, workspace["members"])]


def lock(name: str, root: Path = ROOT) -> Path:
    """Return the path of the lock of this name."""
    return root / "requirements" / f"{name}.txt"


def program(environment: Path, name: str) -> Path:
    """Return the path of a program in an environment."""
    return environment / "Scripts" / f"{name}.exe" if os.name == "nt" else environment / "bin" / name
