"""Start services without loading their code: fork a program that has loaded it, see ``warm_start.py``.

Loading takes three seconds of a core, and the tests start a service a hundred times. The fork runs the service as it
ships, from the first line of its ``__main__``, with an environment, a folder and a log of its own.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, Self

from tests.support.virtual import waits_are_skipped

WARM: Final = frozenset({"phone_agent", "webrtc_agent"}) if hasattr(os, "pidfd_open") else frozenset[str]()
"""Modules that support a warm start."""
_PROGRAM: Final = Path(__file__).parents[1] / "preload/warm_start.py"
_LOAD_SECONDS: Final = 120.0
_programs: dict[tuple[str, bool], "_Program"] = {}


class WarmProcess:
    """A started service, with what tests use of ``asyncio.subprocess.Process``."""

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._writer = writer
        self._ended = asyncio.create_task(self._end(reader))

    @classmethod
    async def start(cls, module: str, arguments: Sequence[str], environment: Mapping[str, str], log: BinaryIO) -> Self:
        """Start a service, as ``python -m`` would."""
        key = module, waits_are_skipped()
        if key not in _programs:
            _programs[key] = _Program(module)
        connection = await _programs[key].connect()
        wanted = {"environment": dict(environment), "arguments": list(arguments), "folder": str(Path.cwd())}
        socket.send_fds(connection, [json.dumps(wanted).encode() + b"\n"], [log.fileno()])
        connection.setblocking(False)  # noqa: FBT003 - the standard library's
        reader, writer = await asyncio.open_unix_connection(sock=connection)
        return cls(int(await reader.readline()), reader, writer)

    async def _end(self, reader: asyncio.StreamReader) -> int:
        code = int(await reader.readline() or -signal.SIGKILL)
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()
        self.returncode = code
        return code

    async def wait(self) -> int:
        """Wait for its exit code; a signal's number is negative."""
        return await asyncio.shield(self._ended)

    def send_signal(self, number: int) -> None:
        """Send a signal to it."""
        with suppress(ProcessLookupError):  # it has ended, and the report of its end is on its way
            if self.returncode is None:
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


async def start_service(
    program: Sequence[str], environment: Mapping[str, str], log: BinaryIO
) -> asyncio.subprocess.Process | WarmProcess:
    """Run ``python -m`` with a module and its arguments, by a warm start where the module supports one."""
    if program[0] in WARM:
        return await WarmProcess.start(program[0], program[1:], environment, log)
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", *program, env=environment, stdout=log, stderr=asyncio.subprocess.STDOUT
    )


class _Program:
    """The program that has loaded a service's code."""

    def __init__(self, module: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="voice-agent-warm-")
        self._socket = f"{self._folder.name}/socket"
        self._process = subprocess.Popen([sys.executable, _PROGRAM, module, self._socket], stdin=subprocess.PIPE)

    async def connect(self) -> socket.socket:
        """Connect to it, once it has loaded the code."""
        deadline = time.monotonic() + _LOAD_SECONDS
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(self._socket)
            except (FileNotFoundError, ConnectionRefusedError):
                connection.close()
                assert self._process.poll() is None, "a service's code could not be loaded; see the output above"
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
            else:
                return connection

    def close(self) -> None:
        """End it, and everything that it started."""
        self._process.communicate()
        self._folder.cleanup()


def close_all() -> None:
    """End the programs, at the end of a run."""
    while _programs:
        _programs.popitem()[1].close()
