"""The command as an operator starts it: a process with its arguments, over HTTP to a simulated AWS."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from tests.support.aws_gaps import close_gaps
from tests.support.aws_models import Models, telling
from tools.workspace import ROOT

DOCKER = """#!/bin/sh
case "$*" in
    "buildx inspect") echo "Platforms: linux/amd64, linux/arm64" ;;
    login*) cat >/dev/null ;;
esac
"""


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Return an environment in which AWS is moto's server, and docker a script that accepts everything."""
    monkeypatch.setenv("MOTO_ECS_SERVICE_RUNNING", "2")
    close_gaps()
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    with telling(Models()):
        server.start()
        _, port = server.get_host_and_port()
        path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
        credentials = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
        yield {**os.environ, **credentials, "PATH": path, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
        server.stop()


def voice_agent(environ: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Run the command, and return its exit code and its output."""
    command = [str(Path(sys.executable).with_name("voice-agent")), *arguments]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=50,
        check=False,
    )
    return done.returncode, done.stdout


def test_the_command_plans_and_deploys_as_it_is_typed(environ: dict[str, str]) -> None:
    """The command plans and deploys as far as the secrets, and says how to continue without a terminal."""
    code, said = voice_agent(environ, "deploy-plan", "--tag", "0a1b2c3")
    assert code == 0, said
    assert said.splitlines()[-1] == "Nothing was changed"
    code, said = voice_agent(environ, "deploy", "--tag", "0a1b2c3", "--yes")
    assert code == 1
    assert "✓ edge            created" in said
    assert "then run the same command again: it continues from here" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("arguments", [("deploy", "--environment", "local"), ("destroy", "--twilio-number", "1")])
def test_wrong_usage_ends_with_2_and_says_what_is_right(arguments: tuple[str, ...]) -> None:
    """Wrong usage exits with 2 before any request to AWS."""
    code, said = voice_agent(dict(os.environ), *arguments)
    assert code == 2
    assert "test" in said or said.endswith("no option --twilio-number; voice-agent destroy --help lists all\n")
