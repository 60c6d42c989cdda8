"""The phone service as it ships: a process, its log, and what it holds."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from standins.nova.server import NovaStandin
from standins.twilio.server import TwilioExchange
from tests.support.ledger import Held, open_files
from tests.support.log_lines import log_lines
from tests.support.waiting import until
from tests.support.warm import WarmProcess, start_service
from voice_agent.run.ports import free_port

_START_SECONDS = 30.0
_STOP_SECONDS = 15.0


class PhoneProcess:
    """A running `python -m phone_agent`."""

    def __init__(self, process: asyncio.subprocess.Process | WarmProcess, port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        self._client = httpx.AsyncClient(base_url=self.url, trust_env=False)

    async def aclose(self) -> None:
        """Stop the process with SIGTERM, then with SIGKILL."""
        await self._client.aclose()
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            if self.process.returncode is not None:
                return
            self.process.send_signal(number)
            try:
                async with asyncio.timeout(_STOP_SECONDS / 3):
                    await self.process.wait()
            except TimeoutError:
                continue

    async def status(self, path: str) -> int:
        """Request a page; return its status, or 0 without an answer."""
        try:
            return (await self._client.get(path)).status_code
        except httpx.HTTPError:
            return 0

    async def sessions(self) -> int:
        """Return how many slots are taken."""
        answer: dict[str, Any] = (await self._client.get("/ready")).json()
        return int(answer["sessions"])

    def held(self) -> Held:
        """Count what it holds, without connections that clients keep open."""
        return Held.by(self.process.pid, self.port)

    def lines(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """Return the log's lines of an event whose fields have these values."""
        return [line for line in log_lines(self.log) if line.get("event") == event and fields.items() <= line.items()]

    def lines_of(self, call_sid: str) -> list[dict[str, Any]]:
        """Return all lines of the log with a call's identifier."""
        return [line for line in log_lines(self.log) if line.get("call_sid") == call_sid]

    async def record(self, call_sid: str, seconds: float = 6.0) -> dict[str, Any]:
        """Wait for the end record of a call, and assert that it is the only one."""
        await until(lambda: bool(self.lines("session_ended", call_sid=call_sid)), seconds)
        (record,) = self.lines("session_ended", call_sid=call_sid)
        return record

    def model_sessions(self, call_sid: str) -> list[str]:
        """Return the model's own ids of a call's sessions."""
        return [line["model_session_id"] for line in self.lines("model_session_started", call_sid=call_sid)]

    def loop_lags(self) -> list[float]:
        """Return the delays of its event loop in ms, one per check so far, from its metrics."""
        return [float(lag) for line in self.lines("metrics") for lag in line.get("EventLoopLag", [])]

    def resident_mb(self) -> float:
        """Measure its resident memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 1e6

    def descriptors(self) -> int:
        """Count the open files and sockets."""
        return sum(1 for _ in open_files(self.process.pid))


@asynccontextmanager
async def phone_process(
    nova: NovaStandin,
    exchange: TwilioExchange,
    log: Path,
    settings: Mapping[str, str],
    program: Sequence[str] = ("phone_agent",),
) -> AsyncIterator[PhoneProcess]:
    """Start the service against the stand-ins and stop it at the end.

    Args:
        nova: Where the model is.
        exchange: Whose calls are answered.
        log: Where its log goes.
        settings: Additional environment; an empty value removes a variable.
        program: The module to run, and its arguments.
    """
    port = free_port()
    given = {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": nova.url,
        "AWS_ACCESS_KEY_ID": "standin",
        "AWS_SECRET_ACCESS_KEY": "standin-secret",
        "SSL_CERT_FILE": str(nova.trust.bundle_file),
        "TWILIO_ACCOUNT_SID": exchange.settings.account_sid,
        "TWILIO_AUTH_TOKEN": exchange.settings.auth_token,
        "TWILIO_API_BASE_URL": exchange.url,
        "HOST": "127.0.0.1",
        "FAST_API_PORT": str(port),
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "MAX_LOOP_LAG_MS": "0",  # the machine runs other work too
        **settings,
    }
    environment = {name: value for name, value in (os.environ | given).items() if value}
    with log.open("wb") as output:
        process = await start_service(program, environment, output)
    phone = PhoneProcess(process, port, log)
    try:
        await until(lambda: _answers(phone), _START_SECONDS)
        yield phone
    finally:
        await phone.aclose()


async def _answers(phone: PhoneProcess) -> bool:
    assert phone.process.returncode is None, phone.log.read_text()
    return await phone.status("/health") == 200
