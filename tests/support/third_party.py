"""Third-party clients, each a process in an environment of its own, and the stand-in for Nova Sonic as it ships."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from standins.alias import CANNOT
from tests.support.log_lines import log_lines
from tools.isolated_env import NODE, isolated
from tools.workspace import VENV, program

CLIENTS = Path(__file__).parents[1] / "third_party" / "clients"
START_SECONDS = 180.0
TALK_SECONDS = 330.0
"""A client gives up on its own after 300."""
_END_SECONDS = 30.0

type Event = dict[str, Any]


@dataclass(frozen=True)
class Nova:
    """A running stand-in: the command as it ships, with its speech recognition and synthesis."""

    port: int
    control: str
    authority: Path
    bundle: Path
    log: Path

    def ask(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Query the control server."""
        return httpx.get(f"{self.control}{path}", trust_env=False, timeout=30).json()

    def sessions(self) -> dict[str, Event]:
        """Read what each session heard, said and did."""
        return {record["session_id"]: record for record in self.ask("/sessions")}

    def session_after(self, before: Mapping[str, Event]) -> Event:
        """Wait for the end of the one session that began after a snapshot of them all.

        Raises:
            AssertionError: there are several, or it did not end.
        """
        deadline = time.monotonic() + _END_SECONDS
        while True:
            (record,) = [record for known, record in self.sessions().items() if known not in before]
            if record["ended_at"] is not None:
                return dict(record)
            assert time.monotonic() < deadline, record
            time.sleep(0.1)

    def notes(self, event: str) -> list[Event]:
        """Read its log."""
        return [note for note in log_lines(self.log) if note["event"] == event]


@contextmanager
def running_nova(folder: Path) -> Iterator[Nova]:
    """Run the stand-in's command until the tests are done with it.

    Its speech recognition gives up after thirty seconds, too soon where other tests keep the machine busy.
    """
    deadline = time.monotonic() + START_SECONDS
    while (started := _start(folder / "nova.log", folder, deadline)) is None:
        assert time.monotonic() < deadline, (folder / "nova.log").read_text()
    process, nova = started
    try:
        yield nova
    finally:
        _end(process)


def _start(log: Path, folder: Path, deadline: float) -> tuple[subprocess.Popen[bytes], Nova] | None:
    """Start it.

    Returns:
        None if it ended before it listened.
    """
    command = [sys.executable, "-m", "standins.nova", "--port", "0", "--control-port", "0", "--certs", str(folder)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output)
    while process.poll() is None:
        for line in log.read_text().splitlines():
            if line.endswith("}") and (note := json.loads(line))["event"] == "listening":
                port = int(note["url"].rpartition(":")[2])
                return process, Nova(port, note["control"], Path(note["ca_file"]), Path(note["bundle_file"]), log)
        if time.monotonic() > deadline:
            _end(process)
            break
        time.sleep(0.1)
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_END_SECONDS)
    finally:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class Client:
    """A program that talks with Nova Sonic through a third-party library."""

    name: str
    environment: str
    """Where it is installed; "" is the tests' own environment."""
    script: str
    alias: bool
    """Whether its endpoint cannot be configured, so that the real name must resolve to the stand-in."""

    def talk(self, nova: Nova, folder: Path, *sounds: Path) -> list[Event]:
        """Let it hold its conversation, and return its report."""
        command = [str(self._interpreter()), str(CLIENTS / self.script), *map(str, sounds)]
        endpoint = {} if self.alias else {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"https://localhost:{nova.port}"}
        if self.alias:
            command = [sys.executable, "-m", "standins.alias", "--to", str(nova.port), "--", *command]
        process = subprocess.Popen(
            command,
            env=_surroundings(nova, folder) | endpoint,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            output, errors = process.communicate(timeout=TALK_SECONDS)
        finally:
            process.kill()
            process.wait(_END_SECONDS)
        if self.alias and process.returncode == CANNOT:
            missing(f"{self.name}: {errors.decode()}")
        assert process.returncode == 0, f"{output.decode()[-4000:]}\n{errors.decode()[-8000:]}"
        return [json.loads(line) for line in output.decode().splitlines() if line.startswith("{")]

    def _interpreter(self) -> Path:
        if self.environment in NODE:
            node, packages = program(VENV, "node"), NODE[self.environment] / "node_modules"
        else:
            node = packages = program(isolated(self.environment) if self.environment else VENV, "python")
        if not packages.exists():
            missing(
                f"{self.name} needs an isolated environment: `make isolated-tools` makes it, and `make test-all` does"
            )
        return node


def _surroundings(nova: Nova, folder: Path) -> dict[str, str]:
    """Return a client's environment: only what its documentation names, without the tests' own, such as their clock."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "AWS_ACCESS_KEY_ID": "standin",
        "AWS_SECRET_ACCESS_KEY": "standin-secret",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "SSL_CERT_FILE": str(nova.bundle),
        "NODE_EXTRA_CA_CERTS": str(nova.authority),
    }


def missing(reason: str) -> None:
    """Skip on a laptop, fail in CI."""
    if os.environ.get("THIRD_PARTY_CLIENTS") == "required":
        pytest.fail(reason)
    pytest.skip(reason)
