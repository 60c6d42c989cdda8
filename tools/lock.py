"""Compiles the lock files, with hashes: `make lock`, or `python -m tools.lock --upgrade` for the newest versions.

One lock file per purpose, see `[tool.workspace.locks]` in the root pyproject.toml. Runs in .venv, which has uv.
"""

import argparse
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tools.workspace import PYTHON_VERSION, ROOT, VENV, lock, members, program


def third_party(member: str, root: Path = ROOT) -> list[str]:
    """Return a member's third-party dependencies, as written in its pyproject.toml."""
    # Our own packages are installed from the checkout, not from the index.
    ours = {_toml(root / other)["project"]["name"] for other in members(root)}
    needs: list[str] = _toml(root / member)["project"]["dependencies"]
    return [need for need in needs if need.split("==")[0] not in ours]


def requirements(name: str, root: Path = ROOT) -> list[str]:
    """Return a lock's direct dependencies: those of its members, and of its groups in the root pyproject.toml."""
    workspace = _toml(root)
    purpose = workspace["tool"]["workspace"]["locks"][name]
    of_members = [need for member in purpose.get("members", []) for need in third_party(member, root)]
    of_groups = [need for group in purpose.get("groups", []) for need in workspace["dependency-groups"][group]]
    return sorted({*of_members, *of_groups})


def lock_names(root: Path = ROOT) -> list[str]:
    """Return the names of the locks; `dev` first, because it contains every package and constrains the other locks."""
    # The development lock first: the others are constrained by it.
    return sorted(_toml(root)["tool"]["workspace"]["locks"], key=lambda name: (name != "dev", name))


def is_isolated(name: str, root: Path = ROOT) -> bool:
    """Return whether a lock is for an isolated environment, whose versions may differ from ours."""
    return bool(_toml(root)["tool"]["workspace"]["locks"][name].get("isolated"))


def left_out(name: str, root: Path = ROOT) -> list[str]:
    """Return the packages to exclude from a lean lock: those in infra/images/unused.txt that it does not keep."""
    purpose = _toml(root)["tool"]["workspace"]["locks"][name]
    if not purpose.get("lean"):
        return []
    lines = (root / "infra" / "images" / "unused.txt").read_text(encoding="utf-8").splitlines()
    unused = [line.partition("#")[0].strip() for line in lines]
    return [package for package in unused if package and package not in purpose.get("keep", [])]


def main(arguments: Iterable[str] | None = None) -> int:
    """Write all lock files.

    Returns:
        0, or uv's exit code if no set of versions fits, or a platform has no wheels.
    """
    parser = argparse.ArgumentParser(description="Pin every package with its hashes.")
    parser.add_argument("--upgrade", action="store_true", help="upgrade to the newest versions")
    options = parser.parse_args(None if arguments is None else [*arguments])
    for name in lock_names():
        # The others follow the development lock.
        code = _compile(name, upgrade=options.upgrade and name == "dev")
        if code != 0:
            return code
    return subprocess.run([sys.executable, "-m", "tools.platforms"], cwd=ROOT, check=False).returncode


def _compile(name: str, *, upgrade: bool) -> int:
    target = lock(name)
    target.parent.mkdir(exist_ok=True)
    command: list[str] = [
        str(program(VENV, "uv")), "pip", "compile", "-", "--output-file", str(target),
        "--universal", "--python-version", PYTHON_VERSION,
        "--generate-hashes", "--no-emit-index-url", "--no-annotate", "--quiet",
        "--custom-compile-command", "make lock",
    ]  # fmt: skip
    command += ["--upgrade"] if upgrade else []
    # One version of a package everywhere, unless its purpose is isolated.
    command += [] if name == "dev" or is_isolated(name) else ["--constraint", str(lock("dev"))]
    with tempfile.TemporaryDirectory() as folder:
        excludes = Path(folder, "left-out.txt")
        # Excluded packages are not even resolved.
        excludes.write_text("\n".join(left_out(name)), encoding="utf-8")
        command += ["--excludes", str(excludes)]
        needs = "\n".join(requirements(name))
        return subprocess.run(command, cwd=ROOT, input=needs, text=True, check=False).returncode


def _toml(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
