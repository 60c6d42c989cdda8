"""The service itself, started with the environment of the deployed task definition."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.infra.test_task import container, variables
from tests.support.stacks import Deployed
from tools.workspace import ROOT
from voice_agent.run.ports import free_port

MODULES = {"phone": "phone_agent", "web": "webrtc_agent"}


def status(url: str) -> int:
    """Return the status of one request; 0 without an answer."""
    try:
        return httpx.get(url, timeout=4, trust_env=False).status_code
    except httpx.HTTPError:
        return 0


@pytest.mark.timeout(120)
@pytest.mark.parametrize("service", ["phone", "web"])
def test_the_environment_of_the_task_starts_the_service(made: Deployed, service: str, tmp_path: Path) -> None:
    """The service is healthy within the start period, by ECS's own health check, and exits with code 0.

    Only the address differs, because a test has no network of its own.
    """
    port = free_port()
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    given = variables(made, service) | {
        "HOST": "127.0.0.1",
        "FAST_API_PORT": str(port),
        "AWS_EC2_METADATA_DISABLED": "true",
        # The image sets it, for the folder that it holds.
        "AGENTS_DIR": str(ROOT / "agents"),
    }
    check = container(made, service)["HealthCheck"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", MODULES[service]],
            cwd=tmp_path,
            env=kept | given,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + check["StartPeriod"]
        while status(f"http://127.0.0.1:{port}/health") != 200:
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.2)
        asked = [sys.executable, *(word.replace("7860", str(port)) for word in check["Command"][2:])]
        assert subprocess.run(asked, check=False, timeout=30).returncode == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait(10)
