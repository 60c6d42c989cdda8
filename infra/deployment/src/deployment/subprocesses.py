"""Runs other programs: docker, git, and our own `voice-agent call`."""

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
    """Exit code and output of a program."""

    code: int
    output: str

    def tail(self, lines: int = 8) -> list[str]:
        """Return the last non-empty lines of the output."""
        return [line for line in self.output.splitlines() if line.strip()][-lines:]


class Programs(Protocol):
    """Runs programs and waits for them."""

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: str = "",
        seconds: float = 30,
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:
        """Run a program until it exits; kill it after a timeout.

        Args:
            command: The program and its arguments.
            stdin: Its input.
            seconds: The timeout.
            env: Variables to add to the environment.
            on_line: Called with each line of output as it arrives.
        """
        ...


class RealPrograms:
    """Runs programs on this machine, in the root of the checkout."""

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
        """Run a program; a missing one returns exit code 127, as in a shell."""
        try:
            # stderr goes into the same pipe, because a build's errors make sense only next to its output.
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
            # A missing program is an answer for the caller, who knows what it is needed for.
            return Finished(NOT_FOUND, f"{command[0]}: not found")
        return self._follow(process, stdin, seconds, on_line)

    @staticmethod
    def _follow(
        process: subprocess.Popen[str], stdin: str, seconds: float, on_line: Callable[[str], None] | None
    ) -> Finished:
        # Distinguishes a timeout from a program that was killed by something else.
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        # A timer instead of communicate(timeout=), which would not give lines as they arrive.
        timer = threading.Timer(seconds, end)
        timer.start()
        try:
            lines = []
            with process, cast("IO[str]", process.stdin) as keyboard:
                keyboard.write(stdin)
                # Close the input, or a program that reads all of it would never start.
                keyboard.close()
                for line in cast("IO[str]", process.stdout):
                    lines.append(line)
                    if on_line is not None:
                        on_line(line.rstrip())
        finally:
            timer.cancel()
            # After an exception, such as Ctrl-C, the program may still run.
            if process.poll() is None:
                process.kill()
        return Finished(TOO_LONG if late.is_set() else process.returncode, "".join(lines))
