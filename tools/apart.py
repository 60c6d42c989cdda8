"""Make an environment apart for a program whose needs do not go with ours: `python -m tools.apart checkov`.

Filled from the program's own lock, every package checked against its hash. It lies in .venv and goes with it.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tools.environment import VENV
from tools.workspace import lock, program


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
    return note.is_file() and note.read_text(encoding="utf-8") == _digest(name)


def _make(name: str) -> int:
    """Make it; the note is written last, so that a half-made one is not taken for a good one."""
    print(f"  Making an environment apart for {name}, once.", flush=True)
    shutil.rmtree(apart(name), ignore_errors=True)
    uv = str(program(VENV, "uv"))
    python = str(program(apart(name), "python"))
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(apart(name))],
        [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", str(lock(name))],
    ):
        code = subprocess.run(command, check=False).returncode
        if code != 0:
            return code
    _note(name).write_text(_digest(name), encoding="utf-8")
    return 0


def _note(name: str) -> Path:
    return apart(name) / "made-from"


def _digest(name: str) -> str:
    return hashlib.sha256(lock(name).read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
