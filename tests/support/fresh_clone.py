"""A fresh clone of this checkout in which `make` needs no download, and a terminal with a network of its own.

The clone's environment is made by the bootstrap as usual, except that third-party packages come from the environment
that runs the tests, and the page from this checkout. CI itself makes both from the locks in a fresh clone.
"""

import ctypes
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import sysconfig
from pathlib import Path

from tools.workspace import ROOT, members, program

STATIC = Path("services/webrtc-agent/src/webrtc_agent/static")
_IFF_UP, _SIOCSIFFLAGS = 0x1, 0x8914
_PR_SET_PDEATHSIG = 1


def make_clone(folder: Path) -> Path:
    """Clone this checkout as it is on disk, including uncommitted changes."""
    _git("clone", "--quiet", "--shared", str(ROOT), str(folder))
    changed = _git("ls-files", "-z", "--modified", "--others", "--exclude-standard").split("\0")
    for name in filter(None, changed):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)
    _lend_packages(folder)
    if (ROOT / STATIC).is_dir():
        shutil.copytree(ROOT / STATIC, folder / STATIC, copy_function=shutil.copy)  # newer than its sources
    return folder


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)  # noqa: S607 - git from PATH
    return done.stdout


def _lend_packages(clone: Path) -> None:
    """Make an environment of our third-party packages and the clone's own, as `tools/bootstrap.sh` would."""
    venv, ours = clone / ".venv", Path(sys.prefix)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True, timeout=60)
    packages = sysconfig.get_path("purelib", vars={"base": str(venv), "platbase": str(venv)})
    # A path in a .pth file makes packages importable, but Python does not read our own packages' .pth files there.
    (Path(packages) / "borrowed.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    for script in program(ours, "python").parent.iterdir():
        _lend_program(script, program(venv, script.name), program(venv, "python"))
    own = [f"--editable={clone / member}" for member in members(clone)]
    install = ["pip", "install", "--quiet", "--offline", "--no-build-isolation", "--no-deps"]
    python = str(program(venv, "python"))
    subprocess.run([str(program(ours, "uv")), *install, "--python", python, *own], check=True, timeout=120)
    # The two stamps by which the script recognizes a current environment.
    locks = [f"requirements/{name}.txt" for name in ("installer", "build", "recogniser", "run")]
    made = _checksums(clone, [*locks, *(f"{member}/pyproject.toml" for member in members(clone))])
    version = (clone / ".python-version").read_text(encoding="ascii").strip()
    (venv / "made-from").write_text(f"{clone.resolve()} {version}\n{made}")
    (venv / "made-from-tests").write_text(_checksums(clone, ["requirements/dev.txt"]))


def _checksums(clone: Path, files: list[str]) -> str:
    done = subprocess.run(["cksum", *files], cwd=clone, capture_output=True, text=True, check=True, timeout=60)  # noqa: S607 - POSIX
    return done.stdout


def _lend_program(original: Path, copy: Path, python: Path) -> None:
    """Let a program of ours run in the clone's environment; the bootstrap installs the clone's own commands."""
    if copy.exists() or original.name in {"voice-agent", "python", "python3"}:
        return
    head, _, rest = original.read_bytes().partition(b"\n")
    if head.startswith(b"#!") and b"python" in head:
        copy.write_bytes(f"#!{python}\n".encode() + rest)
        copy.chmod(0o755)
    else:
        copy.symlink_to(original)


def network_of_its_own() -> None:
    """Move this process into a network where it reaches only itself, so that all its ports are free.

    Raises:
        OSError: the machine does not allow this user such a network.
    """
    user, group = os.geteuid(), os.getegid()
    os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNET)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 - the kernel requires one write call
            file.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP))
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # end it with the test


def allows_networks() -> bool:
    """Return whether this machine allows such a network."""
    if not sys.platform.startswith("linux"):
        return False
    child = os.fork()
    if child == 0:
        try:
            network_of_its_own()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
