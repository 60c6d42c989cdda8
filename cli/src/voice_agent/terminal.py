"""What a person reads: one place for the rules of colour and width, and for a line that says how far the work is.

Colour and progress are for a terminal; `NO_COLOR` turns colour off. A log or a pipe gets plain lines.
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
"""Where there is no terminal: columns and rows."""


class Terminal:
    """Writes to a terminal, or plainly to whatever else it is given.

    Args:
        stream: Gets all of it.
        env: Variables; `NO_COLOR` counts.
        width: Columns; by default as many as the terminal has, up to a width that is still easy to read.
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
        """Write one line of parts, each a text, or a text and its style in rich's words."""
        self.wipe()
        self._console.print(Text.assemble(*parts), soft_wrap=True)
        self.stream.flush()

    def hanging(self, *head: tuple[str, str], text: str) -> None:
        """Write a head, and behind it a text that is wrapped under itself."""
        indent = sum(len(part) for part, _ in head)
        room = max(1, self.width - indent)
        first, *more = textwrap.wrap(text, room, break_on_hyphens=False, break_long_words=False) or [""]
        *parts, (last, style) = head
        self.write(*parts, (last if first else last.rstrip(), style), first)
        for line in more:
            self.write(" " * indent + line)

    def sentence(self, text: str, style: str = "") -> None:
        """Write a text, wrapped between two words."""
        for line in textwrap.wrap(text, self.width, break_on_hyphens=False):
            self.write((line, style))

    def progress(self, text: str, style: str = "dim") -> None:
        """Write how far the work is over what was written so before; nothing where no person looks."""
        if not self.watched:
            return
        self.stream.write("\r\x1b[K")
        self._console.print(Text(text, style), end="", soft_wrap=True)
        self.stream.flush()
        self._unfinished = True

    def wipe(self) -> None:
        """Remove the line of progress, before anything else is written."""
        if self._unfinished:
            self.stream.write("\r\x1b[K")
            self._unfinished = False
