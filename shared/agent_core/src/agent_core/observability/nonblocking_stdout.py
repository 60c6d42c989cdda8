"""Write log lines without blocking: a slow reader, a full disk or a broken pipe must not delay a conversation."""

import io
import os
import select
from functools import lru_cache
from typing import Final, TextIO, cast

_PIECE: Final = select.PIPE_BUF
"""A pipe that has any room accepts this much without blocking."""
_MOST: Final = 1 << 20
"""Most bytes kept for a slow reader; further lines are lost."""


class NonBlockingStdout(io.TextIOBase):
    """Writes text to a file descriptor: at once if that does not block, otherwise with a later line.

    A slow disk still blocks its writer: only pipes, sockets and terminals report that they are not ready.
    """

    def __init__(self, descriptor: int, most: int = _MOST) -> None:
        self._descriptor = descriptor
        self._most = most
        self._waiting = bytearray()
        self._room = select.poll()
        self._room.register(descriptor, select.POLLOUT)
        self.lost = 0
        """Number of lines lost."""

    def write(self, text: str, /) -> int:
        """Buffer a piece of a line."""
        self._waiting += text.encode("utf-8", "backslashreplace")
        return len(text)

    def flush(self) -> None:
        """Write what the reader accepts now."""
        try:
            # Polled before each piece: a write to a full pipe would block the event loop.
            while self._waiting and self._room.poll(0):
                del self._waiting[: os.write(self._descriptor, self._waiting[:_PIECE])]
        except OSError:  # disk full, or reader gone: there is nowhere to report it
            self._lose(0)
        # Cut at a line's end, so that the reader never sees half a line.
        if len(self._waiting) > self._most:
            self._lose(self._waiting.rfind(b"\n", 0, self._most) + 1)

    def _lose(self, start: int) -> None:
        self.lost += self._waiting.count(b"\n", start)
        del self._waiting[start:]


@lru_cache
def _patient(descriptor: int) -> NonBlockingStdout:
    return NonBlockingStdout(descriptor)


def output(stream: TextIO) -> TextIO:
    """Return the non-blocking output for a stream; the stream itself if it has no file descriptor."""
    try:
        descriptor = stream.fileno()
    except (AttributeError, OSError):
        return stream
    return cast("TextIO", _patient(descriptor))  # implements the part of it that a logger uses
