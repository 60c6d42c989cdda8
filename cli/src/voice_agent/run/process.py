"""One child process: start it, wait until it is healthy, follow its log, stop it."""

import asyncio
import contextlib
import os
import signal
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

import httpx

from voice_agent.run.banner import last_words
from voice_agent.run.parts import Program

_LOOK_SECONDS = 0.2
_NO_AUTHORITY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Health checks are plain HTTP on this machine; httpx would load 150 certificates for each client, 24 ms of a core."""
_LAST_LINES = 200
"""How many lines of the log are searched for the cause."""


class ChildError(Exception):
    """A child exited or did not become ready; the message includes the log line that says why."""


class Child:
    """A running program that writes directly to its log, so that a slow terminal cannot delay a call.

    Args:
        program: What to run.
        log: Its log file, which is emptied at the start.
        show: Receives each line of output.
    """

    def __init__(self, program: Program, log: Path, show: Callable[[str, str], None]) -> None:
        self.program = program
        self._log = log
        self._show = show
        self._process: asyncio.subprocess.Process | None = None
        self._tail: asyncio.Task[None] | None = None
        self._killed = False

    @property
    def pid(self) -> int:
        """The process ID; 0 before the start."""
        return self._process.pid if self._process is not None else 0

    async def start(self) -> None:
        """Start the process in its own process group."""
        with self._log.open("wb") as output:
            # In its own session: the terminal sends Ctrl-C only to this program, which stops the children in order.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self.program.module,
                *self.program.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**self.program.environment, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
        self._tail = asyncio.create_task(self._read_along())

    async def ready(self) -> None:
        """Wait until the health check succeeds.

        Raises:
            ChildError: The process exited, or did not become healthy in time.
        """
        died = asyncio.create_task(self.ended())
        try:
            async with asyncio.timeout(self.program.start_seconds):
                await self._answers(died)
        except TimeoutError:
            message = f"{self.program.name} did not answer at {self.program.health} in {self.program.start_seconds:g} s"
            raise ChildError(f"{message}{self._last_words()}") from None
        finally:
            died.cancel()

    async def ended(self) -> str:
        """Wait until the process exits, and return how, with the log line that says why."""
        code = await self._process.wait() if self._process is not None else 0
        how = f"with exit code {code}" if code >= 0 else f"by signal {-code}"
        return f"{self.program.name} was ended {how}{self._last_words()}"

    async def stop(self) -> None:
        """Terminate the process, and kill it with its workers after its time limit."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.program.stop_seconds):
                    await self._process.wait()
        self.kill()
        await self._process.wait()
        if self._tail is not None:
            self._tail.cancel()
            await asyncio.wait({self._tail})

    def kill(self) -> None:
        """Kill the process and its workers."""
        if self._process is None or self._killed:
            return
        self._killed = True  # once only: another process may get its ID later
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def _answers(self, died: asyncio.Task[str]) -> None:
        async with httpx.AsyncClient(trust_env=False, verify=_NO_AUTHORITY, timeout=_LOOK_SECONDS * 5) as client:
            while not died.done():
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(self.program.health)).is_success:
                        return
                # A wait for the exit instead of a sleep: a program that fails at its start is reported immediately.
                await asyncio.wait({died}, timeout=_LOOK_SECONDS)
        raise ChildError(died.result())

    async def _read_along(self) -> None:
        with self._log.open(encoding="utf-8", errors="replace") as lines:
            rest = ""
            try:
                while True:
                    # A line may still be incomplete when it is read, so its start is kept for the next round.
                    rest = self._pass_on(rest + lines.read())
                    await asyncio.sleep(_LOOK_SECONDS)
            finally:
                self._pass_on(rest + lines.read() + "\n")

    def _pass_on(self, text: str) -> str:
        *whole, rest = text.split("\n")
        for line in whole:
            if line.strip():
                self._show(self.program.name, line)
        return rest

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
        line = last_words(self.program.name, lines)
        return (f"\n  | {line.strip()}" if line else "") + f"\n  complete log: {self._log}"
