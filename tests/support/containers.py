"""Use a real Docker engine, where the machine has one, and start the product on it as `docker compose up` does."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voice_agent.run.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
BUILD_SECONDS = 420.0
"""Time to build from nothing on a slow network; with cached layers it takes three seconds."""
UP_SECONDS = 180.0
STOP_SECONDS = 150.0
_ASK_SECONDS = 60.0
_TRIES = 100
_UDP_PORTS = 8
"""Published for the audio of a few visitors; each port costs the engine a process."""

SERVICES = ("phone-agent", "webrtc-agent")


class EngineError(AssertionError):
    """The engine failed; the text is its message."""


@dataclass(frozen=True)
class Engine:
    """The `docker` command."""

    program: str
    settings: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *words: str, seconds: float = _ASK_SECONDS) -> str:
        """Run a command and return its output.

        Raises:
            EngineError: the command failed.
        """
        done = self.attempt(*words, seconds=seconds)
        if done.returncode != 0:
            raise EngineError(f"docker {' '.join(words)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done.stdout

    def attempt(self, *words: str, seconds: float = _ASK_SECONDS) -> subprocess.CompletedProcess[str]:
        """Run a command that may fail."""
        return subprocess.run(
            [self.program, *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        """Return the command's environment, without the developer's accounts."""
        keep = ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "PYTHONPATH")
        return {name: os.environ[name] for name in keep if name in os.environ} | dict(self.settings)

    def inspect(self, *names: str) -> list[dict[str, Any]]:
        """Describe containers or images."""
        found: list[dict[str, Any]] = json.loads(self("inspect", *names))
        return found

    @contextmanager
    def running(self, *words: str) -> Iterator[str]:
        """Run a container in the background and return its name; remove it at the end."""
        name = self("run", "--detach", *words).strip()
        try:
            yield name
        finally:
            self.attempt("rm", "--force", "--volumes", name)


def find_engine() -> Engine | None:
    """Find an engine that answers and has Compose."""
    program = shutil.which("docker")
    if program is None:
        return None
    engine = Engine(program)
    try:
        usable = all(engine.attempt(*words).returncode == 0 for words in (("info",), ("compose", "version")))
    except (OSError, subprocess.TimeoutExpired):
        return None
    return engine if usable else None


@dataclass(frozen=True)
class Composed:
    """The product in containers."""

    engine: Engine
    base_url: str

    def ask(self, *words: str, seconds: float = _ASK_SECONDS) -> str:
        """Run `docker compose …`."""
        return self.engine("compose", *words, seconds=seconds)

    def container(self, service: str) -> dict[str, Any]:
        """Describe a service's container."""
        (found,) = self.engine.inspect(self.ask("ps", "--all", "--quiet", service).strip())
        return found

    def log(self, service: str) -> list[dict[str, Any]]:
        """Return the log of a service."""
        lines = self.ask("logs", "--no-log-prefix", "--no-color", service).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def call(self, *options: str) -> "Call":
        """Start a call, as `make call` does."""
        return Call(self, options)


class Call:
    """A call in progress, in a process of its own."""

    def __init__(self, composed: Composed, options: tuple[str, ...]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "voice_agent", "call", "--json", *options],
            cwd=ROOT,
            env=composed.engine.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._deadline = threading.Timer(120.0, self._process.kill)
        self._deadline.start()

    def result(self) -> tuple[int, dict[str, Any], str]:
        """Wait for its end; return exit code, measurements, and complaints."""
        out, complaints = self._process.communicate()
        self._deadline.cancel()
        measured: dict[str, Any] = json.loads(out or "{}")
        return self._process.returncode, measured, complaints


def build(engine: Engine) -> None:
    """Build all images; unchanged layers come from the cache."""
    engine("compose", "--env-file", os.devnull, "build", seconds=BUILD_SECONDS)


def _free_ports_for_sound() -> int:
    """Find consecutive UDP ports outside the system's ephemeral range; return the first."""
    for _ in range(_TRIES):
        first = free_port()
        with suppress(OSError), ExitStack() as taken:
            for port in range(first, first + _UDP_PORTS):
                taken.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind(("", port))
            return first
    msg = f"no {_UDP_PORTS} free ports in a row"
    raise EngineError(msg)


@contextmanager
def composed(engine: Engine, project: str, **settings: str) -> Iterator[Composed]:
    """Start everything on free ports, and remove it at the end."""
    port, first = free_port(), _free_ports_for_sound()
    chosen = {
        "COMPOSE_PROJECT_NAME": project,
        "COMPOSE_ENV_FILES": os.devnull,
        "ENV_FILE": "no-such-file",
        "FAST_API_PORT": str(port),
        "TWILIO_PORT": str(free_port()),
        "NOVA_CONTROL_PORT": str(free_port()),
        "ICE_FIRST_PORT": str(first),
        "ICE_LAST_PORT": str(first + _UDP_PORTS - 1),
        **settings,
    }
    mine = Engine(engine.program, chosen)
    try:
        mine("compose", "up", "--detach", "--wait", "--no-build", seconds=UP_SECONDS)
        yield Composed(mine, f"http://127.0.0.1:{port}")
    except EngineError as error:
        raise EngineError(f"{error}\n{mine.attempt('compose', 'logs', '--tail', '20').stdout[-6000:]}") from None
    finally:
        mine.attempt("compose", "down", "--volumes", "--timeout", "20", seconds=STOP_SECONDS)
