"""Output for people: the rules of colour and width, and a progress line.

A terminal gets colour and progress, and `NO_COLOR` turns colour off. A log or a pipe gets plain lines.
"""

import os
import shutil
import textwrap
from collections.abc import Mapping
from typing import Final, TextIO

from rich.console import Console
from rich.text import Text

_NARROWEST: Final = 40
_WIDEST: Final = 120
_USUAL: Final = (110, 24)
"""Columns and rows to assume without a terminal."""


class Terminal:
    """Writes to a terminal, or plain text to any other stream.

    Args:
        stream: Receives all output.
        env: Environment variables, of which `NO_COLOR` is read.
        width: Columns; by default those of the terminal, up to a width that is still easy to read.
    """

    def __init__(self, stream: TextIO, env: Mapping[str, str] = os.environ, width: int | None = None) -> None:
        self.stream = stream
        self.watched = stream.isatty()
        self.width = max(_NARROWEST, min(width or shutil.get_terminal_size(_USUAL).columns, _WIDEST))
        self._unfinished = False
        self._console = Console(
            file=stream,
            force_terminal=self.watched,
            color_system="standard" if self.watched and "NO_COLOR" not in env else None,
            width=self.width,
            legacy_windows=False,
            no_color=False,
        )

    def write(self, *parts: str | tuple[str, str]) -> None:
        """Write one line of parts, each a text, or a text and its rich style."""
        self.wipe()
        self._console.print(Text.assemble(*parts), soft_wrap=True)
        self.stream.flush()

    def hanging(self, *head: tuple[str, str], text: str) -> None:
        """Write a head, then a text with a hanging indent."""
        indent = sum(len(part) for part, _ in head)
        room = max(1, self.width - indent)
        first, *more = textwrap.wrap(text, room, break_on_hyphens=False, break_long_words=False) or [""]
        *parts, (last, style) = head
        self.write(*parts, (last if first else last.rstrip(), style), first)
        for line in more:
            self.write(" " * indent + line)

    def sentence(self, text: str, style: str = "") -> None:
        """Write a text, wrapped between words."""
        for line in textwrap.wrap(text, self.width, break_on_hyphens=False):
            self.write((line, style))

    def progress(self, text: str, style: str = "dim") -> None:
        """Replace the progress line; write nothing if the stream is not a terminal."""
        if not self.watched:
            return
        # Return to the start of the line and erase it, or the end of a longer text would stay visible.
        self.stream.write("\r\x1b[K")
        self._console.print(Text(text, style), end="", soft_wrap=True)
        self.stream.flush()
        self._unfinished = True

    def wipe(self) -> None:
        """Remove the progress line before other output."""
        if self._unfinished:
            self.stream.write("\r\x1b[K")
            self._unfinished = False
