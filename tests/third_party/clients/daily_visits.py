"""Visitors whose agent cannot join: the web service with Daily's own client, in a network without Daily.

Runs in such a network (`standins.alias`), starts the stand-in for Daily's REST service and the web service, starts a
number of visits, and requests `/health` meanwhile. At the end it starts one more and stops the service during that
join. Prints one JSON object with all results.
"""

import asyncio
import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from standins.daily import DailyStandin
from voice_agent.run.ports import free_port

VISITS = 10
DRAIN_SECONDS = 1
STOP_SECONDS = DRAIN_SECONDS + 10.0
PROBE_SECONDS = 10.0
"""Longest delay of `/health` on a busy machine that is not a hang; the report has the longest delay seen."""
END_SECONDS = 90.0
LOG = Path("web.log")
_PR_SET_PDEATHSIG = 1


class Probe:
    """Requests `/health` in a loop."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.answers = self.failures = 0
        self.longest_ms = 0
        self._http = http

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            began = time.monotonic()
            try:
                async with asyncio.timeout(PROBE_SECONDS):
                    (await self._http.get("/health")).raise_for_status()
                self.answers += 1
            except (httpx.HTTPError, TimeoutError):
                self.failures += 1
            self.longest_ms = max(self.longest_ms, round((time.monotonic() - began) * 1000))
            await asyncio.sleep(0.1)


async def main() -> dict[str, Any]:
    """Run one service from its start to its end."""
    async with DailyStandin() as daily:
        port = free_port()
        with LOG.open("wb") as log:  # noqa: ASYNC230 - nothing else runs yet
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "webrtc_agent"),
                env=_surroundings(daily, port),
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,
            )
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False) as http:
                report = await _visits(http, process)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
        return report | {"rooms": daily.ledger.created, "deleted": daily.ledger.deleted}


async def _visits(http: httpx.AsyncClient, process: asyncio.subprocess.Process) -> dict[str, Any]:
    await _until(lambda: bool(_lines("starting")))
    probe = Probe(http)
    while not probe.answers:
        with suppress(httpx.HTTPError):
            probe.answers += (await http.get("/health")).is_success
    probing = asyncio.create_task(probe.run())
    starts = [(await http.post("/start", json={"createDailyRoom": True})).status_code for _ in range(VISITS)]
    with suppress(TimeoutError):
        await _until(lambda: len(_lines("session_ended")) >= VISITS or probe.failures > 0)
    ready = await _ready(http)
    # At the end of the process a join is in progress, and so are the releases of those that hang.
    with suppress(httpx.HTTPError):
        starts.append((await http.post("/start", json={"createDailyRoom": True})).status_code)
    await _until(lambda: len(_lines("session_started")) > VISITS or probe.failures > 0)
    probing.cancel()
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    return {
        "starts": starts,
        "probe": {"answers": probe.answers, "failures": probe.failures, "longest_ms": probe.longest_ms},
        "places_taken": ready.get("sessions"),
        "exit_code": process.returncode,
        "stopped_after_ms": round((time.monotonic() - began) * 1000),
    }


async def _ready(http: httpx.AsyncClient) -> dict[str, Any]:
    with suppress(httpx.HTTPError):
        return dict((await http.get("/ready")).json())
    return {}


def _lines(event: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in LOG.read_text().splitlines() if line.startswith("{") and line.endswith("}")]
    return [line for line in lines if line.get("event") == event]


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(END_SECONDS):
        while not condition():  # noqa: ASYNC110 - it watches a file
            await asyncio.sleep(0.1)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _surroundings(daily: DailyStandin, port: int) -> dict[str, str]:
    return os.environ | {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "https://127.0.0.1:9",  # no visitor connects, so no model stream opens
        "AWS_ACCESS_KEY_ID": "standin",
        "AWS_SECRET_ACCESS_KEY": "standin-secret",
        "AWS_REGION": "us-east-1",
        "AGENTS_DIR": str(Path(__file__).parents[3] / "agents"),
        "HOST": "127.0.0.1",
        "FAST_API_PORT": str(port),
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "TRANSPORT": "daily",
        "DAILY_API_KEY": daily.api_key,
        "DAILY_API_URL": daily.api_url,
        "MAX_SESSIONS": str(VISITS + 1),
        "RATE_LIMIT_STARTS_PER_MINUTE": "100",
        "ARRIVALS_PER_ADDRESS": "100",
        "RATE_LIMIT_STARTS_PER_MINUTE_PER_ADDRESS": "100",
        "DRAIN_SECONDS": str(DRAIN_SECONDS),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main())))
