"""What a person sees: rows with a mark each, questions, and how far it is."""

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
    """How something stands."""

    GOOD = "✓"
    CARE = "!"
    BAD = "✗"
    UNKNOWN = "?"
    STEP = "·"
    UNSET = "–"  # noqa: RUF001 - the same


class Screen(Terminal):
    """What a command writes: rows with a mark each, what to do about them, questions, and how far it is."""

    def __init__(
        self,
        stream: TextIO = sys.stdout,
        env: Mapping[str, str] = os.environ,
        answer: Callable[[str], str] | None = None,
        hidden: Callable[[str], str] = getpass.getpass,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take `answer` for what a person types; without it, the person at the terminal is asked."""
        super().__init__(stream, env)
        self._answer = answer or (input if self.watched and sys.stdin.isatty() else None)
        self._hidden = hidden
        self._clock = clock
        self._written = clock()

    @property
    def can_ask(self) -> bool:
        """Whether a person is there to answer."""
        return self._answer is not None

    def title(self, text: str) -> None:
        """Begin."""
        self.write((text, "bold"))

    def heading(self, text: str) -> None:
        """Begin a part."""
        self.write()
        self.write((text, "bold"))

    def row(self, mark: str, label: str, text: str = "", advice: Iterable[str] = ()) -> None:
        """Write a row: how it stands, what, what about it, and below it what to do."""
        self.hanging(("  ", ""), (mark, _STYLES.get(mark, "")), (f" {label:<{_LABEL}} ", ""), text=text)
        for line in advice:
            self.advise(line)

    def advise(self, text: str, indent: str = " " * _INDENT) -> None:
        """Write what to do. A command is not broken, so that it can be copied."""
        arrow = ((indent, ""), ("→", _STYLES["→"]), (" ", ""))
        if text.startswith("$ "):
            self.write(*arrow, text.removeprefix("$ "))
        else:
            self.hanging(*arrow, text=text)

    def lines(self, lines: Iterable[str], indent: int = 4) -> None:
        """Write rows that are laid out already; the first character may be a mark."""
        for line in lines:
            head, rest = line[:1], line[1:]
            room = self.width - indent
            cut = rest if len(line) <= room else rest[: room - 2] + "…"
            self.write(" " * indent, (head, _STYLES.get(head, "")), cut)

    def progress(self, text: str, style: str = "dim") -> None:
        """Say how far it is, over what was said before; in a log, a line a minute."""
        if self.watched:
            super().progress(f"  … {text[: self.width - 4]}", style)
        elif self._clock() - self._written >= _LOG_EVERY_SECONDS:
            self.write(f"  … {text}")

    def ask(self, question: str) -> str:
        """Ask the person at the terminal."""
        if self._answer is None:
            raise EOFError("no person is there: look at can_ask first")
        self.wipe()
        return self._answer(f"  {question} ").strip()

    def ask_hidden(self, question: str) -> str:
        """Ask for something that nobody may read over a shoulder."""
        self.wipe()
        return self._hidden(f"  {question} ").strip()

    def write(self, *parts: str | tuple[str, str]) -> None:
        """Write one line, and remember when."""
        super().write(*parts)
        self._written = self._clock()
