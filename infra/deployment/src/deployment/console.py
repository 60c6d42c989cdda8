"""Terminal output: rows with a mark, questions, and progress."""

import getpass
import os
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final, TextIO

_LABEL: Final = 15
_LOG_EVERY_SECONDS: Final = 60.0
_TONES: Final = {
    "✓": "32",
    "!": "33",
    "✗": "31;1",
    "?": "2",
    "+": "32",
    "~": "33",
    "-": "31",
    "→": "36",
    "·": "2",
    "–": "2",  # noqa: RUF001 - a dash, not a minus
}


class CheckMark(StrEnum):
    """The state that a row reports."""

    GOOD = "✓"
    CARE = "!"
    BAD = "✗"
    UNKNOWN = "?"
    STEP = "·"
    UNSET = "–"  # noqa: RUF001 - a dash, not a minus


class Screen:
    """Writes to a terminal with colours and progress, or as plain text to any other stream."""

    def __init__(
        self,
        stream: TextIO = sys.stdout,
        env: Mapping[str, str] = os.environ,
        answer: Callable[[str], str] | None = None,
        hidden: Callable[[str], str] = getpass.getpass,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Use `answer` for the operator's input; without it, read from the terminal if there is one."""
        self._stream = stream
        self.watched = stream.isatty()
        # https://no-color.org
        self._colour = self.watched and "NO_COLOR" not in env
        # Below 60 columns nothing is readable; above 120 lines are hard to follow.
        self._width = max(60, min(shutil.get_terminal_size((110, 24)).columns, 120))
        # Output may go to a file while input is a terminal, and the other way around: a question needs both.
        self._answer = answer or (input if self.watched and sys.stdin.isatty() else None)
        self._hidden = hidden
        self._unfinished = False
        self._clock = clock
        self._written = clock()

    @property
    def can_ask(self) -> bool:
        """Whether there is a terminal to ask questions on."""
        return self._answer is not None

    def title(self, text: str) -> None:
        """Write the title."""
        self._write(self._paint(text, "1") + "\n")

    def heading(self, text: str) -> None:
        """Write a heading."""
        self._write("\n" + self._paint(text, "1") + "\n")

    def row(self, mark: str, label: str, text: str = "", advice: Iterable[str] = ()) -> None:
        """Write a row: mark, label and text, with advice below it."""
        indent = " " * (5 + _LABEL)
        wrapped = textwrap.wrap(text, self._width - len(indent), break_on_hyphens=False, break_long_words=False) or [""]
        head = f"  {self._paint(mark, _TONES.get(mark, ''))} {label:<{_LABEL}} "
        self._write(f"{head}{wrapped[0]}".rstrip() + "\n")
        self._write("".join(f"{indent}{more}\n" for more in wrapped[1:]))
        for line in advice:
            self.advise(line, indent)

    def advise(self, text: str, indent: str = " " * (5 + _LABEL)) -> None:
        """Write advice. A command is never wrapped, so that it can be copied."""
        # Continuation lines start below the text, not below the arrow.
        first, rest = f"{indent}{self._paint('→', _TONES['→'])} ", f"{indent}  "
        width = max(20, self._width - len(rest))
        lines = [text] if text.startswith("$ ") else textwrap.wrap(text, width, break_on_hyphens=False)
        self._write(f"{first}{lines[0].removeprefix('$ ')}\n" + "".join(f"{rest}{more}\n" for more in lines[1:]))

    def lines(self, lines: Iterable[str], indent: int = 4) -> None:
        """Write preformatted rows; the first character may be a mark."""
        for line in lines:
            head, rest = line[:1], line[1:]
            room = self._width - indent
            # Cut instead of wrapping: these rows are aligned in columns.
            cut = rest if len(line) <= room else rest[: room - 2] + "…"
            self._write(" " * indent + self._paint(head, _TONES.get(head, "")) + cut + "\n")

    def progress(self, text: str) -> None:
        """Replace the progress line on a terminal; in a log, write a line at most once a minute."""
        # A log cannot be overwritten, and a job that prints nothing for minutes looks stuck.
        if not self.watched:
            if self._clock() - self._written >= _LOG_EVERY_SECONDS:
                self._write(f"  … {text}\n")
        else:
            # "\r" and "erase to the end of the line" overwrite the previous progress text.
            self._stream.write(f"\r\x1b[K  {self._paint('… ' + text[: self._width - 4], '2')}")
            self._stream.flush()
            self._unfinished = True

    def ask(self, question: str) -> str:
        """Ask a question, and return the answer."""
        if self._answer is None:
            raise EOFError("not a terminal: check can_ask first")
        # Remove the progress line, or the question would be appended to it.
        self._wipe()
        return self._answer(f"  {question} ").strip()

    def ask_hidden(self, question: str) -> str:
        """Ask for a secret, without echoing the input."""
        self._wipe()
        return self._hidden(f"  {question} ").strip()

    def _write(self, text: str) -> None:
        self._wipe()
        self._stream.write(text)
        self._stream.flush()
        self._written = self._clock()

    def _wipe(self) -> None:
        if self._unfinished:
            self._stream.write("\r\x1b[K")
            self._unfinished = False

    def _paint(self, text: str, tone: str) -> str:
        return f"\x1b[{tone}m{text}\x1b[0m" if self._colour and tone and text.strip() else text
