"""SIPp as an independent judge: a SIP telephone by other authors, which fails a call that breaks the protocol."""

import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.waiting import until

SCENARIOS = Path(__file__).parents[1] / "fixtures/sipp"
_STOP_SECONDS = 5.0


class Judge:
    """A running SIPp that accepts one call."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self.address = f"sip:judge@127.0.0.1:{port}"

    async def verdict(self, seconds: float = 10.0) -> str:
        """Wait until the call is over; return what SIPp found wrong, or an empty text."""
        async with asyncio.timeout(seconds):
            code = await self._process.wait()
        return "" if code == 0 else f"exit code {code}: {self._written('errors.log')}"

    def notes(self) -> str:
        """Return what the scenario has logged."""
        return self._written("notes.log")

    def _written(self, name: str) -> str:
        path = self._folder / name
        return path.read_text(errors="replace") if path.exists() else ""


@asynccontextmanager
async def judge(scenario: str, folder: Path, transport: str = "udp") -> AsyncIterator[Judge]:
    """Start SIPp on a free port of loopback; skip where it is not installed, except in CI."""
    program = shutil.which("sipp")
    if program is None:
        if os.environ.get("SIPP_TESTS") == "required":
            pytest.fail("sipp is not installed (Debian: sip-tester)")
        pytest.skip("sipp is not installed (Debian: sip-tester)")
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", str(port), "-t", "u1" if transport == "udp" else "t1"]
    options += ["-m", "1", "-nostdin", "-rtp_echo", "-timeout", "30", "-timeout_error", "-buff_size", "65536"]
    options += ["-trace_err", "-error_file", str(folder / "errors.log")]
    options += ["-trace_logs", "-log_file", str(folder / "notes.log"), "-sf", str(SCENARIOS / f"{scenario}.xml")]
    process = await asyncio.create_subprocess_exec(
        program, *options, cwd=folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await until(lambda: _listens(port, transport), 5)
        yield Judge(process, port, folder)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()


def _listens(port: int, transport: str) -> bool:
    """Read the kernel's socket table: a probe would be a message that the scenario does not expect."""
    table = Path("/proc/net", transport).read_text(encoding="ascii")
    return f"0100007F:{port:04X} " in table
