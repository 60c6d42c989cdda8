"""The lean environment of `make run`: what it leaves out, and one sentence per failure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.failure_reason import failure_reason
from tools.lock import left_out
from tools.lockfile import normal, read
from tools.workspace import ROOT, lock

UV_OFFLINE = """\
error: Request failed after 3 retries in 8.1s
  Caused by: Failed to fetch: `https://index.example/simple/fastapi/`
  Caused by: error sending request for url (https://index.example/simple/fastapi/)
  Caused by: client error (Connect)
  Caused by: dns error: failed to lookup address information: Temporary failure in name resolution
"""
UV_WITHOUT_PYTHON = """\
error: Failed to download `https://python.example/releases/download/1/cpython-3.12.16%2B1-x86_64.tar.gz`
  cause: error sending request for url (https://python.example/releases/download/1/cpython-3.12.16%2B1-x86_64.tar.gz)
  cause: client error (Connect)
  cause: tcp connect error
  cause: Connection refused (os error 111)
"""
"""Printed by uv 0.13.9, with another host."""
PIP_OFFLINE = """\
WARNING: Retrying (Retry(total=1, connect=None))\
 after connection broken by 'NewConnectionError('<pip._vendor.urllib3\
.connection.HTTPSConnection object at 0x7f>: Failed to establish a new connection: [Errno 111] refused')': /uv/
ERROR: Could not find a version that satisfies the requirement uv==0.13.9 (from versions: none)
ERROR: No matching distribution found for uv==0.13.9
"""
NPM_OFFLINE = """\
npm error code ENOTFOUND
npm error syscall getaddrinfo
npm error errno ENOTFOUND
npm error network request to https://registry.example/vite failed, reason: getaddrinfo ENOTFOUND registry.example
npm error network This is a problem related to network connectivity.
npm error A complete log of this run can be found in: /home/x/.npm/_logs/debug-0.log
The page is not made: see above (exit code 1)
"""
NPM_PROXY = """\
npm error code UNABLE_TO_GET_ISSUER_CERT_LOCALLY
npm error request to https://registry.example/vite failed, reason: unable to get local issuer certificate
"""
NPM_READ_ONLY = """\
npm error code EACCES
npm error syscall mkdir
npm error path /home/x/.npm
npm error Your cache folder contains root-owned files.
"""
UV_READ_ONLY = """\
error: Failed to initialize cache at `/home/x/.cache/uv`
  Caused by: failed to create directory `/home/x/.cache/uv`: Read-only file system (os error 30)
"""
BROKEN_BUILD = """\
src/app/App.tsx:12:3
Error: [vite]: Rolldown failed to resolve import "nothing" from "src/app/App.tsx".
    at viteLog (file:///x/node.js:1:1)

Node.js v24.19.0
The page is not made: see above (exit code 1)
"""


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (UV_OFFLINE, "Cannot reach the package index (index.example)."),
        (UV_WITHOUT_PYTHON, "Cannot reach the download of Python (python.example)."),
        (PIP_OFFLINE, "Cannot reach the package index."),
        (NPM_OFFLINE, "Cannot reach the npm registry (registry.example)."),
        (NPM_PROXY, "This machine does not trust the certificate of the npm registry (registry.example): "),
        (NPM_READ_ONLY, "This user has no permission to write /home/x/.npm."),
        (UV_READ_ONLY, "This user has no permission to write /home/x/.cache/uv."),
        ("OSError: [Errno 28] No space left on device", "The disk is full."),
        (BROKEN_BUILD, '[vite]: Rolldown failed to resolve import "nothing" from "src/app/App.tsx".'),
        ("$ program\n", "It printed no reason."),
    ],
)
def test_a_failed_step_has_one_sentence(output: str, sentence: str) -> None:
    """A failed step has one sentence, which names what the user can fix and not the end of a traceback."""
    reason = failure_reason(output, ".venv.log")
    assert reason.startswith(sentence)
    assert reason.endswith("See .venv.log for the complete output.")
    assert "\n" not in reason


def test_the_lean_lock_leaves_out_what_nobody_imports_and_no_more() -> None:
    """The lean lock leaves out the unused packages and no more, and the lock for tests contains all."""
    lean = {normal(package.name) for package in read(lock("run"))}
    whole = {normal(package.name) for package in read(lock("dev"))}
    assert lean.isdisjoint(left_out("run"))
    assert {"onnxruntime", "flatbuffers", "soundfile", "boto3", "pocketsphinx"} <= lean <= whole
    assert lean.isdisjoint({"pytest", "mypy", "ruff", "playwright", "awscli", "moto", "llvmlite", "cfn-lint"})
    assert "grep -vE '^(onnxruntime|flatbuffers|soundfile) '" in (ROOT / "standins/Dockerfile").read_text()


# Loads every module while only the packages of `make run` can be found.
_LOAD = """
import importlib, importlib.abc, importlib.metadata, pkgutil, re, sys
absent = set(sys.argv[1].split())

class Refusal(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"make run lacks {name}", name=name)

brought = importlib.metadata.packages_distributions()
plain = {name: {re.sub("[-_.]+", "-", one).lower() for one in by} for name, by in brought.items()}
absent = {name for name, by in plain.items() if by <= absent}
assert "numba" in absent and "httpx" not in absent
sys.meta_path.insert(0, Refusal())
for package in sys.argv[2:]:
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        # The stock agents of the bench run in an environment of their own, with the AWS SDK that Pipecat's needs.
        # Only pytest loads its plug-in.
        if not module.name.endswith(("__main__", ".bench.stock", ".bench.stock_web", ".pytest_plugin")):
            importlib.import_module(module.name)
"""


@pytest.mark.thorough
def test_run_call_and_deploy_need_none_of_the_tests_packages() -> None:
    """No module needs, at any import, a package that only requirements/dev.txt provides."""
    ours = {normal(one.name) for name in ("run", "build", "installer") for one in read(lock(name))}
    absent = ({normal(one.name) for one in read(lock("dev"))} - ours) | set(left_out("run"))
    packages = ("agent_core", "phone_agent", "webrtc_agent", "standins", "voice_agent", "deployment")
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, " ".join(sorted(absent)), *packages],
        env={**os.environ, "PYTHONWARNINGS": "ignore", "LOGURU_AUTOINIT": "False"},
        cwd=Path("/"),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
