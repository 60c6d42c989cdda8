"""A pytest run whose services leak a secret fails, though each of its tests passes."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tools.workspace import ROOT

START = json.dumps({"service": "phone-agent", "level": "info", "event": "starting", "port": 7860})
LEAKING = json.dumps({"service": "phone-agent", "level": "info", "event": "call_answered", "caller": "+15005550006"})
_SUITE = """
import httpx, pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from tests.support.leak_watch import LeakWatch

def test_one(tmp_path):
    print({printed!r})
    (tmp_path / "phone.jsonl").write_text({log!r})

def test_two():
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text={answer!r}))
    with httpx.Client(transport=transport) as client:
        assert client.get("http://a/").status_code == 200

async def test_three():
    async def tell(line):
        await line.send({frame!r})
    async with serve(tell, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{{port}}", proxy=None, compression=None) as line:
            await line.recv()
"""
_PLUGIN = """
from tests.support.leak_watch import LeakWatch
def pytest_configure(config):
    config.pluginmanager.register(LeakWatch(config))
"""
CLEAN = {"log": START, "answer": "fine", "frame": "fine", "printed": "fine"}


@pytest.mark.thorough  # seven runs of pytest
@pytest.mark.parametrize(
    ("leaking", "reported", "processes"),
    [
        ({}, "0 secrets, numbers or words in 1 logs", 1),
        ({"log": f"{START}\n{LEAKING}"}, "a telephone number in", 1),
        ({"answer": "canary-auth-token"}, "the secret canary-auth-token in the answer 200", 1),
        ({"frame": "canary-auth-token"}, "the secret canary-auth-token in a WebSocket", 1),
        ({"printed": "canary-auth-token"}, "the secret canary-auth-token in the output of", 1),
        ({}, "0 secrets, numbers or words in 1 logs", 2),
        ({"answer": "canary-auth-token"}, "the secret canary-auth-token in the answer 200", 2),
    ],
    ids=["nothing", "log", "answer", "frame", "output", "nothing, shared", "answer, shared"],
)
def test_threat_15_a_run_that_leaks_fails(leaking: dict[str, str], reported: str, processes: int) -> None:
    """The run fails when a log, a response or a frame has a planted value, also with two worker processes."""
    with tempfile.TemporaryDirectory() as name:  # not pytest's own folder, which this run scans
        folder = Path(name)
        (folder / "conftest.py").write_text(_PLUGIN)
        (folder / "test_suite.py").write_text(_SUITE.format(**(CLEAN | leaking)))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto"]
        options = ["--rootdir", name, "--basetemp", str(folder / "temporary"), name]
        options += ["-n", str(processes)] if processes > 1 else []
        done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False, timeout=200)
    assert "3 passed" in done.stdout, done.stdout + done.stderr
    assert reported in done.stdout
    assert "1 logs and 0 answers" not in done.stdout
    assert done.returncode == (1 if leaking else 0)
