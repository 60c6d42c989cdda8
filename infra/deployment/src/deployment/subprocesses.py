"""Other programs: docker, git, and our own `voice-agent call`."""

import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol, cast

NOT_FOUND: Final = 127
TOO_LONG: Final = 124


@dataclass(frozen=True)
class Finished:
    """What became of a program."""

    code: int
    output: str

    def tail(self, lines: int = 8) -> list[str]:
        """Give the last lines that say something."""
        return [line for line in self.output.splitlines() if line.strip()][-lines:]


class Programs(Protocol):
    """Starts programs and waits for them."""

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: str = "",
        seconds: float = 30,
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:
        """Run one to its end, or end it after some seconds.

        Args:
            command: the program and its arguments.
            stdin: what it reads.
            seconds: how long it may take.
            env: added to the environment.
            on_line: gets each line as it comes.
        """
        ...


class RealPrograms:
    """Starts them on this machine, from the top of the checkout."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: str = "",
        seconds: float = 30,
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:
        """Run one; a program that is not there ends with 127, as in a shell."""
        try:
            process = subprocess.Popen(
                command,
                cwd=self._folder,
                env={**os.environ, **(env or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        except FileNotFoundError:
            return Finished(NOT_FOUND, f"{command[0]}: not found")
        return self._follow(process, stdin, seconds, on_line)

    @staticmethod
    def _follow(
        process: subprocess.Popen[str], stdin: str, seconds: float, on_line: Callable[[str], None] | None
    ) -> Finished:
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(seconds, end)
        timer.start()
        try:
            lines = []
            with process, cast("IO[str]", process.stdin) as keyboard:
                keyboard.write(stdin)
                keyboard.close()
                for line in cast("IO[str]", process.stdout):
                    lines.append(line)
                    if on_line is not None:
                        on_line(line.rstrip())
        finally:
            timer.cancel()
            if process.poll() is None:
                process.kill()
        return Finished(TOO_LONG if late.is_set() else process.returncode, "".join(lines))
