"""Ctrl-C while a command is still loading: exit code 130, and no traceback.

No timer decides when: Python logs each imported module, and the test sends the signal after a named one.
"""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, cast

import pytest

from tools.workspace import ROOT

VOICE_AGENT = (str(ROOT / ".venv/bin/voice-agent"),)


def interrupted(command: tuple[str, ...], after: str, folder: Path) -> tuple[int, str]:
    """Send Ctrl-C after a module is imported; return the exit code and the output without the import log."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPROFILEIMPORTTIME": "1",
            "PYTHONUNBUFFERED": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    # Not SIGKILL: a command that missed the signal has started services, which only it can stop.
    deadline = threading.Timer(120.0, os.killpg, (process.pid, signal.SIGTERM))
    deadline.start()
    written = []
    with process, cast("IO[str]", process.stdout) as output:
        for line in output:
            if not line.startswith("import time:"):
                written.append(line)
            if after and line.split("|")[-1].strip() == after:
                os.killpg(process.pid, signal.SIGINT)
                after = ""
    deadline.cancel()
    return process.returncode, "".join(written)


@pytest.mark.parametrize(
    ("command", "after"),
    [("run", "httpx"), ("call", "numpy"), ("deploy", "botocore"), ("deploy-plan", "yaml"), ("call --help", "typer")],
)
def test_a_command_that_is_still_loading_ends_at_once(command: str, after: str, tmp_path: Path) -> None:
    """The command exits without a traceback while it loads the option parser or the command itself."""
    assert interrupted((*VOICE_AGENT, *command.split()), after, tmp_path) == (130, "")


@pytest.mark.parametrize(("service", "after"), [("phone_agent", "structlog"), ("webrtc_agent", "structlog")])
def test_a_service_that_is_still_loading_ends_at_once(service: str, after: str, tmp_path: Path) -> None:
    """A service started by hand in a terminal, without `voice-agent run`, exits the same way."""
    assert interrupted((sys.executable, "-m", service), after, tmp_path) == (130, "")
