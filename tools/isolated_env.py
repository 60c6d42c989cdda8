"""Make an environment apart for a program whose needs do not go with ours: `python -m tools.isolated_env checkov`.

Filled from the program's own lock, every package checked against its hash. It lies in .venv and goes with it; that of a
program in JavaScript lies beside its package.json, where Node looks for it.
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
"""Folders with a package.json and its lock."""
_CACHE = {"npm_config_cache": str(ROOT / ".cache/npm"), "NODE_USE_SYSTEM_CA": "1"}


def apart(name: str) -> Path:
    """Tell where the environment of this name is."""
    return VENV / "apart" / name


def main(names: list[str]) -> int:
    """Make those that are not there, or not as their lock says.

    Returns:
        0, or the installer's own code.
    """
    for name in names:
        code = 0 if _is_current(name) else _make(name)
        if code != 0:
            return code
    return 0


def _is_current(name: str) -> bool:
    note = _note(name)
    if name in NODE and not (NODE[name] / "node_modules").is_dir():
        return False
    return note.is_file() and note.read_text(encoding="utf-8") == _digest(name)


def _make(name: str) -> int:
    """Make it; the note is written last, so that a half-made one is not taken for a good one."""
    print(f"  Making an environment apart for {name}, once.", flush=True)
    shutil.rmtree(apart(name), ignore_errors=True)
    code = _fill_for_node(NODE[name]) if name in NODE else _fill(name)
    if code == 0:
        _note(name).parent.mkdir(parents=True, exist_ok=True)
        _note(name).write_text(_digest(name), encoding="utf-8")
    return code


def _fill(name: str) -> int:
    uv = str(program(VENV, "uv"))
    python = str(program(apart(name), "python"))
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(apart(name))],
        [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", str(lock(name))],
    ):
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        if code != 0:
            return code
    return 0


def _fill_for_node(folder: Path) -> int:
    """Install what its lock says, with the npm of .venv and no other."""
    npm = program(VENV, "npm")
    path = os.pathsep.join((str(npm.parent), os.environ.get("PATH", "")))
    command = [str(npm), "ci", "--ignore-scripts", "--silent"]
    return subprocess.run(command, cwd=folder, env=_CACHE | os.environ | {"PATH": path}, check=False).returncode


def _note(name: str) -> Path:
    return apart(name) / "made-from"


def _digest(name: str) -> str:
    file = NODE[name] / "package-lock.json" if name in NODE else lock(name)
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
