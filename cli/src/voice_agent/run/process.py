"""One child process: start it, wait until it answers, read along in its log, stop it."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import httpx

from voice_agent.run.banner import last_words
from voice_agent.run.parts import Program

_LOOK_SECONDS = 0.2
_LAST_LINES = 200
"""Of its log, among which the line is looked for that tells why."""


class ChildError(Exception):
    """A child died or did not become ready; the text holds the line of its log that says why."""


class Child:
    """A started program, whose output goes straight to its log: a slow terminal cannot hold up a call.

    Args:
        program: What to run.
        log: Its file, emptied at the start.
        show: Gets each line of output.
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
        """The process id, once started."""
        return self._process.pid if self._process is not None else 0

    async def start(self) -> None:
        """Start it in a process group of its own: Ctrl-C goes to us, and we say who stops when."""
        with self._log.open("wb") as output:
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
        """Wait until it answers.

        Raises:
            ChildError: It died, or its time is up.
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
        """Wait until it ends by itself, and tell its last words."""
        code = await self._process.wait() if self._process is not None else 0
        how = f"with exit code {code}" if code >= 0 else f"by signal {-code}"
        return f"{self.program.name} was ended {how}{self._last_words()}"

    async def stop(self) -> None:
        """Ask it to end, and end it with all its workers when its time is up."""
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
        """End it and its workers now."""
        if self._process is None or self._killed:
            return
        self._killed = True  # once only: later its process id may be somebody else's
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def _answers(self, died: asyncio.Task[str]) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=_LOOK_SECONDS * 5) as client:
            while not died.done():
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(self.program.health)).is_success:
                        return
                await asyncio.wait({died}, timeout=_LOOK_SECONDS)
        raise ChildError(died.result())

    async def _read_along(self) -> None:
        with self._log.open(encoding="utf-8", errors="replace") as lines:
            rest = ""
            try:
                while True:
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
