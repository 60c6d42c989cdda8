"""The web service as it ships: a process and its log."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx

from standins.nova.server import NovaStandin
from tests.support.ledger import Held
from tests.support.log_lines import log_lines
from tests.support.waiting import until
from tests.support.warm import WarmProcess, start_service
from voice_agent.run.ports import free_port

_START_SECONDS = 30.0
_STOP_SECONDS = 15.0


class WebProcess:
    """A running `python -m webrtc_agent`."""

    def __init__(self, process: asyncio.subprocess.Process | WarmProcess, port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        self.http = httpx.AsyncClient(base_url=self.url, trust_env=False)

    async def stop(self) -> None:
        """Stop the process with SIGTERM, then with SIGKILL."""
        await self.http.aclose()
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            if self.process.returncode is not None:
                return
            self.process.send_signal(number)
            try:
                async with asyncio.timeout(_STOP_SECONDS / 3):
                    await self.process.wait()
            except TimeoutError:
                continue

    async def answers(self) -> bool:
        """Return whether it serves."""
        assert self.process.returncode is None, self.log.read_text()
        try:
            return (await self.http.get("/health")).is_success
        except httpx.HTTPError:
            return False

    async def sessions(self) -> int:
        """Return how many slots are taken."""
        return int((await self.http.get("/ready")).json()["sessions"])

    def held(self) -> Held:
        """Count what it holds, without connections that clients keep open."""
        return Held.by(self.process.pid, self.port)

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return the log's lines of an event."""
        return [line for line in log_lines(self.log) if line.get("event") == event]

    async def record(self, web_session_id: str, seconds: float = 6.0) -> dict[str, Any]:
        """Wait for the end record of a visit, and assert that it is the only one."""
        await until(lambda: bool(self._records(web_session_id)), seconds)
        (record,) = self._records(web_session_id)
        return record

    def _records(self, web_session_id: str) -> list[dict[str, Any]]:
        name = sha256(web_session_id.encode()).hexdigest()[:16]  # the id itself is in no log
        return [line for line in self.lines("session_ended") if line["web_session_id"] == name]


@asynccontextmanager
async def web_process(
    nova: NovaStandin, log: Path, settings: Mapping[str, str], program: Sequence[str] = ("webrtc_agent",)
) -> AsyncIterator[WebProcess]:
    """Start the service against the stand-in and stop it at the end.

    Args:
        nova: Where the model is.
        log: Where its log goes.
        settings: Additional environment.
        program: The module to run, and its arguments.
    """
    port = free_port()
    environment = os.environ | {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": nova.url,
        "AWS_ACCESS_KEY_ID": "standin",
        "AWS_SECRET_ACCESS_KEY": "standin-secret",
        "SSL_CERT_FILE": str(nova.trust.bundle_file),
        "HOST": "127.0.0.1",
        "FAST_API_PORT": str(port),
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "ICE_HOSTS": "127.0.0.1",
        "MAX_LOOP_LAG_MS": "0",  # the machine runs other work too
        **settings,
    }
    with log.open("wb") as output:
        process = await start_service(program, environment, output)
    web = WebProcess(process, port, log)
    try:
        await until(web.answers, _START_SECONDS)
        yield web
    finally:
        await web.stop()
