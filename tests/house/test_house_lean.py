"""The lean environment of `make run`: what it leaves out, where caches lie, and one sentence for each failure."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import bootstrap, environment
from tools import caches as caches_module
from tools.caches import CACHE, caches
from tools.environment import Environment
from tools.failure_reason import failure_reason
from tools.find_python import Machine
from tools.lock import left_out
from tools.lockfile import normal, read
from tools.progress import Progress
from tools.workspace import ROOT, lock

UV_OFFLINE = """\
error: Request failed after 3 retries in 8.1s
  Caused by: Failed to fetch: `https://index.example/simple/fastapi/`
  Caused by: error sending request for url (https://index.example/simple/fastapi/)
  Caused by: client error (Connect)
  Caused by: dns error: failed to lookup address information: Temporary failure in name resolution
"""
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
    """The sentence names what can be done something about, not the last line of a stack."""
    reason = failure_reason(output, ".venv.log")
    assert reason.startswith(sentence)
    assert reason.endswith("See .venv.log for the complete output.")
    assert "\n" not in reason


def test_every_cross_has_its_reason_below_it(tmp_path: Path) -> None:
    """Also for a step that takes too long, and never the reason of the step before."""
    said = io.StringIO()
    progress = Progress(tmp_path / "log", said)
    assert not progress.run("first", [sys.executable, "-c", "raise SystemExit('ERROR: one')"])
    assert not progress.run("second", [sys.executable, "-c", "raise SystemExit('ERROR: two')"])
    assert not progress.run("third", ["/bin/sleep", "20"], patience=0.2)
    lines = said.getvalue().splitlines()
    assert [line.strip()[:1] for line in lines[::2]] == ["✗"] * 3
    assert [line.strip().partition(". ")[0] for line in lines[1::2]] == ["one", "two", "It took longer than 0 s."]


def test_caches_lie_in_the_checkout_unless_the_machine_says_where() -> None:
    """A home that is missing, read-only or another user's is no hindrance; a shared cache may be named."""
    assert CACHE.parent == ROOT
    ours = caches({"HOME": "/nonexistent"})
    assert {ours[name] for name in ("UV_CACHE_DIR", "PIP_CACHE_DIR", "npm_config_cache")} == {
        str(CACHE / name) for name in ("uv", "pip", "npm")
    }
    assert "UV_CACHE_DIR" not in caches({"UV_CACHE_DIR": "/shared"})
    assert "/.cache/" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_lean_lock_leaves_out_what_nobody_imports_and_no_more() -> None:
    """Its images leave out the same, except the voice of a caller; the lock for tests holds all of it."""
    lean = {normal(package.name) for package in read(lock("run"))}
    whole = {normal(package.name) for package in read(lock("dev"))}
    assert lean.isdisjoint(left_out("run"))
    assert {"onnxruntime", "flatbuffers", "soundfile", "boto3", "pocketsphinx"} <= lean <= whole
    assert lean.isdisjoint({"pytest", "mypy", "ruff", "playwright", "awscli", "moto", "llvmlite", "cfn-lint"})
    assert "grep -vE '^(onnxruntime|flatbuffers|soundfile) '" in (ROOT / "standins/Dockerfile").read_text()


@pytest.fixture
def pageless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the bootstrap find a whole environment in which npm reaches nothing."""
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "has_page", lambda: False)
    monkeypatch.setattr(Environment, "is_current", lambda _, tests=False: not tests)
    monkeypatch.setattr(Environment, "has_packages", lambda _: True)
    monkeypatch.setattr(caches_module, "CACHE", tmp_path / "cache")
    offline = "import sys; sys.exit('npm error getaddrinfo ENOTFOUND registry.example')"
    monkeypatch.setattr(environment, "page", lambda _folder, tests: [sys.executable, "-c", offline])  # noqa: ARG005 - the name is an argument of the caller
    return tmp_path


@pytest.mark.parametrize(("arguments", "code"), [(["--page=required"], 1), (["--page=wanted"], 0), ([], 0)])
def test_a_page_that_cannot_be_built_is_no_ready(
    pageless: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], code: int
) -> None:
    """`make environment` fails; `make run` says why, and what works without; a call does not even try."""
    assert bootstrap.main(arguments) == code
    reason = capfd.readouterr().err
    assert ("Cannot reach the npm registry." in reason) is bool(arguments)
    assert ("The page is missing. Telephone calls work" in reason) is bool(arguments)
    assert "Ready" not in reason
    assert (pageless / ".venv.log").exists() is bool(arguments)


def test_a_home_that_is_not_there_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's user may have no entry in the list of users, and no HOME."""

    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    assert Machine(environ={}).home == ROOT


# Loads every module there is while only the packages of `make run` can be found.
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
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""


@pytest.mark.thorough
def test_run_call_and_deploy_need_none_of_the_tests_packages() -> None:
    """No module, wherever it is loaded from, asks for what only requirements/dev.txt brings."""
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
