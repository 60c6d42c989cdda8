"""Terminal output: rows with a mark, questions, and progress."""

import getpass
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final, TextIO

from voice_agent.terminal import Terminal

_LABEL: Final = 15
_INDENT: Final = _LABEL + 5
_LOG_EVERY_SECONDS: Final = 60.0
_STYLES: Final = {
    "✓": "green",
    "!": "yellow",
    "✗": "bold red",
    "?": "dim",
    "+": "green",
    "~": "yellow",
    "-": "red",
    "→": "cyan",
    "·": "dim",
    "–": "dim",  # noqa: RUF001 - a dash, not a minus
}


class CheckMark(StrEnum):
    """The state that a row reports."""

    GOOD = "✓"
    CARE = "!"
    BAD = "✗"
    UNKNOWN = "?"
    STEP = "·"
    UNSET = "–"  # noqa: RUF001 - a dash, not a minus


class Screen(Terminal):
    """Writes a command's rows, advice, questions and progress."""

    def __init__(
        self,
        stream: TextIO = sys.stdout,
        env: Mapping[str, str] = os.environ,
        answer: Callable[[str], str] | None = None,
        hidden: Callable[[str], str] = getpass.getpass,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Use `answer` for the operator's input; without it, read from the terminal if there is one."""
        super().__init__(stream, env)
        # Output may go to a file while input is a terminal, and the other way around: a question needs both.
        self._answer = answer or (input if self.watched and sys.stdin.isatty() else None)
        self._hidden = hidden
        self._clock = clock
        self._written = clock()

    @property
    def can_ask(self) -> bool:
        """Whether there is a terminal to ask questions on."""
        return self._answer is not None

    def title(self, text: str) -> None:
        """Write the title."""
        self.write((text, "bold"))

    def heading(self, text: str) -> None:
        """Write a heading."""
        self.write()
        self.write((text, "bold"))

    def row(self, mark: str, label: str, text: str = "", advice: Iterable[str] = ()) -> None:
        """Write a row: mark, label and text, with advice below it."""
        self.hanging(("  ", ""), (mark, _STYLES.get(mark, "")), (f" {label:<{_LABEL}} ", ""), text=text)
        for line in advice:
            self.advise(line)

    def advise(self, text: str, indent: str = " " * _INDENT) -> None:
        """Write advice. A command is never wrapped, so that it can be copied."""
        arrow = ((indent, ""), ("→", _STYLES["→"]), (" ", ""))
        if text.startswith("$ "):
            self.write(*arrow, text.removeprefix("$ "))
        else:
            self.hanging(*arrow, text=text)

    def lines(self, lines: Iterable[str], indent: int = 4) -> None:
        """Write preformatted rows; the first character may be a mark."""
        for line in lines:
            head, rest = line[:1], line[1:]
            # Cut instead of wrapping: these rows are aligned in columns.
            room = self.width - indent
            cut = rest if len(line) <= room else rest[: room - 2] + "…"
            self.write(" " * indent, (head, _STYLES.get(head, "")), cut)

    def progress(self, text: str, style: str = "dim") -> None:
        """Replace the progress line on a terminal; in a log, write a line at most once a minute."""
        # A log cannot be overwritten, and a job that prints nothing for minutes looks stuck.
        if self.watched:
            super().progress(f"  … {text[: self.width - 4]}", style)
        elif self._clock() - self._written >= _LOG_EVERY_SECONDS:
            self.write(f"  … {text}")

    def ask(self, question: str) -> str:
        """Ask a question, and return the answer."""
        if self._answer is None:
            raise EOFError("not a terminal: check can_ask first")
        # Remove the progress line, or the question would be appended to it.
        self.wipe()
        return self._answer(f"  {question} ").strip()

    def ask_hidden(self, question: str) -> str:
        """Ask for a secret, without echoing the input."""
        self.wipe()
        return self._hidden(f"  {question} ").strip()

    def write(self, *parts: str | tuple[str, str]) -> None:
        """Write one line, and record the time."""
        super().write(*parts)
        self._written = self._clock()
