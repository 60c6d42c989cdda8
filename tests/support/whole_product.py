"""The whole product in processes of its own, as `voice-agent run` starts it, and `voice-agent call` as a caller."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx

from tests.support.leaks import plant
from tests.support.log_lines import log_lines
from tools.faketime import CLOCK_VARIABLES

COMMAND = [sys.executable, "-m", "voice_agent"]
START_SECONDS = 300.0
"""On a busy machine of two cores; it usually takes about ten."""
STOP_SECONDS = 60.0
CALL_SECONDS = 300.0
ATTEMPTS = 3


@dataclass(frozen=True)
class Product:
    """A running product in a folder of its own."""

    folder: Path
    state: dict[str, Any]

    def call(self, *options: str) -> tuple[int, list[dict[str, Any]], str]:
        """Run `voice-agent call`; return its exit code, the measurements of each call, and its complaints.

        On a very busy machine, a caller hears "one moment, please" and mistakes it for the answer. Such calls prove
        nothing about the product, and are repeated.
        """
        for _ in range(ATTEMPTS - 1):
            before = self._put_off()
            outcome = self._call(options)
            if self._put_off() == before:
                return outcome
        return self._call(options)

    def _put_off(self) -> int:
        return sum(line["event"] == "announcement_played" for line in self.log())

    def _call(self, options: Sequence[str]) -> tuple[int, list[dict[str, Any]], str]:
        done = subprocess.run(
            [*COMMAND, "call", "--json", *options],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=CALL_SECONDS,
            check=False,
        )
        measured = json.loads(done.stdout or "[]")
        return done.returncode, measured if isinstance(measured, list) else [measured], done.stderr

    def log(self, service: str = "phone-agent") -> list[dict[str, Any]]:
        """Return the log of a service."""
        return log_lines(self.folder / self.state["logs"][service])


def heard_by_model(product: Product) -> list[list[str]]:
    """Return what the stand-in model heard in each of its sessions, typed words too, in the order they were opened."""
    sessions = httpx.get(f"{product.state['nova']['control']}/sessions").json()
    return [[words["text"] for words in one["heard"]] for one in sorted(sessions, key=lambda one: one["opened_at"])]


@contextmanager
def running(folder: Path, settings: Mapping[str, str] = MappingProxyType({}), *, port: int = 0) -> Iterator[Product]:
    """Start everything on free ports; stop it by its process id at the end.

    Args:
        folder: Where it runs.
        settings: Additional environment.
        port: The edge's; 0 chooses a free one.
    """
    ports = (
        "--phone-port",
        "--web-port",
        "--nova-port",
        "--nova-control-port",
        "--twilio-port",
        "--weather-port",
        "--person-port",
        "--desk-port",
    )
    options = ["--port", str(port), *(part for name in ports for part in (name, "0"))]
    # No variable of the machine may replace a stand-in with a real service. A shifted clock (tools/dates.py) is kept:
    # otherwise the product would live at another date than its callers.
    keep = ("PATH", "HOME", "LANG", "PYTHONPATH", "TMPDIR", "TZ", "VIRTUAL_CLOCK", *CLOCK_VARIABLES)
    environment = {name: os.environ[name] for name in keep if name in os.environ} | dict(settings)
    with (folder / "run.log").open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*COMMAND, "run", "--weather", "standin", "--nova", "standin", *options],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(process, folder)
            product = Product(folder, json.loads((folder / ".run/run.json").read_text(encoding="utf-8")))
            plant([product.state["twilio"].get("auth_token", "")])
            yield product
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            finally:
                process.kill()


def _wait_until_ready(process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    said = ""
    while time.monotonic() < deadline and process.poll() is None:
        said = (folder / "run.log").read_text(encoding="utf-8")
        if "Ready" in said and (folder / ".run/run.json").exists():
            return
        time.sleep(0.1)
    raise AssertionError(f"voice-agent run did not become ready:\n{said}")
