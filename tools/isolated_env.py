"""Creates isolated environments for tools with conflicting dependencies: `python -m tools.isolated_env checkov`.

Each is installed from the tool's own lock file, with every hash checked. Python environments are in .venv and are
deleted with it; those for JavaScript are beside their package.json, where Node looks for them.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.workspace import ROOT, VENV, lock, program

_CLIENTS = ROOT / "tests/third_party/clients"
NODE = {
    "client-node": _CLIENTS / "node",
    "client-web": _CLIENTS / "web",
    "client-web-rest": _CLIENTS / "web-rest",
}
"""Folders with a package.json and a package-lock.json."""
_CACHE = {"npm_config_cache": str(ROOT / ".cache/npm"), "NODE_USE_SYSTEM_CA": "1"}


def isolated(name: str) -> Path:
    """Return the folder of an isolated environment."""
    return VENV / "isolated" / name


def main(names: list[str]) -> int:
    """Create the environments that are missing, or that differ from their lock file.

    Returns:
        0, or the installer's exit code.
    """
    for name in names:
        code = 0 if _is_current(name) else _make(name)
        if code != 0:
            return code
    return 0


def _is_current(name: str) -> bool:
    note = _note(name)
    # A node_modules folder may have been deleted by hand.
    if name in NODE and not (NODE[name] / "node_modules").is_dir():
        return False
    return note.is_file() and note.read_text(encoding="utf-8") == _digest(name)


def _make(name: str) -> int:
    """Create an environment; the digest is written last, so that an incomplete one is not taken for complete."""
    print(f"  Creating an isolated environment for {name}, once.", flush=True)
    # Remnants of an interrupted run would be mixed with the new packages.
    shutil.rmtree(isolated(name), ignore_errors=True)
    code = _fill_for_node(NODE[name]) if name in NODE else _fill(name)
    if code == 0:
        _note(name).parent.mkdir(parents=True, exist_ok=True)
        _note(name).write_text(_digest(name), encoding="utf-8")
    return code


def _fill(name: str) -> int:
    uv = str(program(VENV, "uv"))
    python = str(program(isolated(name), "python"))
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(isolated(name))],
        [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", str(lock(name))],
    ):
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        if code != 0:
            return code
    return 0


def _fill_for_node(folder: Path) -> int:
    """Install the packages of a package-lock.json, with the npm of .venv."""
    npm = program(VENV, "npm")
    # npm starts node, which is next to it.
    path = os.pathsep.join((str(npm.parent), os.environ.get("PATH", "")))
    # "ci" installs exactly the lock file; scripts of packages are not run.
    command = [str(npm), "ci", "--ignore-scripts", "--silent"]
    return subprocess.run(command, cwd=folder, env=_CACHE | os.environ | {"PATH": path}, check=False).returncode


def _note(name: str) -> Path:
    return isolated(name) / "made-from"


def _digest(name: str) -> str:
    file = NODE[name] / "package-lock.json" if name in NODE else lock(name)
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
