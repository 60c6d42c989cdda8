"""The containers that `docker compose up` started, as Compose lists them."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

_FILE: Final = "docker-compose.yml"
_ASK_SECONDS: Final = 10.0

_EDGE: Final = ("edge", 7860)
_EXCHANGE: Final = ("edge", 8445)
"""The exchange shares the load balancer's network, which publishes its port."""
_MODEL: Final = ("nova", 8444)

CALLED_URL: Final = f"http://127.0.0.1:{_EDGE[1]}"
"""The URL of the load balancer for the exchange, which does not use the port that this machine publishes."""


class Containers:
    """The running containers of one Compose project.

    Args:
        folder: Contains the Compose file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = {one["Service"]: one for one in _objects(self._ask("ps", "--format", "json"))}

    @property
    def base_url(self) -> str:
        """The load balancer's URL on this machine; empty if it does not run."""
        return self._url(*_EDGE)

    @property
    def exchange_url(self) -> str:
        """The URL for handsets; empty if the telephone is the real Twilio."""
        return self._url(*_EXCHANGE) if "twilio" in self._running else ""

    @property
    def model_control_url(self) -> str:
        """The control URL of the model stand-in; empty if the model is the real one."""
        return self._url(*_MODEL)

    def phone_log(self) -> list[str]:
        """Return the phone service's log so far."""
        return self._ask("logs", "--no-log-prefix", "--no-color", "phone-agent").splitlines()

    def _url(self, service: str, port: int) -> str:
        ports = self._running.get(service, {}).get("Publishers") or []
        published = next((one["PublishedPort"] for one in ports if one["TargetPort"] == port), 0)
        return f"http://127.0.0.1:{published}" if published else ""

    def _ask(self, *words: str) -> str:
        docker = shutil.which("docker")
        if docker is None:
            return ""
        command = [docker, "compose", "--file", str(self._folder / _FILE), *words]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_ASK_SECONDS, check=False)  # noqa: S603 - no shell, and constant arguments
        except (OSError, subprocess.TimeoutExpired):
            return ""
        # Without a Docker daemon or project nothing runs in containers, which is not an error here.
        return done.stdout if done.returncode == 0 else ""


def find_containers(start: Path) -> Containers | None:
    """Return the running containers of the nearest Compose file, in this folder or above; None if there are none."""
    folder = next((each for each in (start, *start.parents) if (each / _FILE).is_file()), None)
    found = Containers(folder) if folder else None
    return found if found and found.base_url else None


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of an output."""
    # Compose writes one object per line; earlier versions write one list.
    for line in text.splitlines():
        if line.startswith("["):
            yield from json.loads(line)
        elif line.startswith("{"):
            yield json.loads(line)
