"""Where lines go: a reader that is slow, a disk that is full and a pipe that is broken hold up no conversation."""

import io
import os
import select
from functools import lru_cache
from typing import Final, TextIO, cast

_PIECE: Final = select.PIPE_BUF
"""A pipe that has room at all takes this much without making anybody wait."""
_MOST: Final = 1 << 20
"""Bytes kept for a reader that is behind; lines beyond are lost."""


class NonBlockingStdout(io.TextIOBase):
    """Text for a file descriptor: written at once where that takes no waiting, and else with a later line.

    A slow disk still makes its writer wait: only pipes, sockets and terminals say that they are not ready.
    """

    def __init__(self, descriptor: int, most: int = _MOST) -> None:
        self._descriptor = descriptor
        self._most = most
        self._waiting = bytearray()
        self._room = select.poll()
        self._room.register(descriptor, select.POLLOUT)
        self.lost = 0
        """Lines that nobody will read."""

    def write(self, text: str, /) -> int:
        """Take a piece of a line."""
        self._waiting += text.encode("utf-8", "backslashreplace")
        return len(text)

    def flush(self) -> None:
        """Write what the other end takes now."""
        try:
            while self._waiting and self._room.poll(0):
                del self._waiting[: os.write(self._descriptor, self._waiting[:_PIECE])]
        except OSError:  # no space left, or nobody at the other end: there is nowhere to say so
            self._lose(0)
        if len(self._waiting) > self._most:
            self._lose(self._waiting.rfind(b"\n", 0, self._most) + 1)

    def _lose(self, start: int) -> None:
        self.lost += self._waiting.count(b"\n", start)
        del self._waiting[start:]


@lru_cache
def _patient(descriptor: int) -> NonBlockingStdout:
    return NonBlockingStdout(descriptor)


def output(stream: TextIO) -> TextIO:
    """Give the patient output for what a stream writes to; the stream itself where that is no file of the system."""
    try:
        descriptor = stream.fileno()
    except (AttributeError, OSError):
        return stream
    return cast("TextIO", _patient(descriptor))  # as much of one as a logger uses
