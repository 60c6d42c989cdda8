"""One TCP connection: bytes to be read, or passed on as they come to another one."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

_MOST_UNREAD = 256 * 1024
"""Bytes that are kept for a reader who is slow; then the other side has to wait."""


class Wire(asyncio.Protocol):
    """A connection whose bytes are read in order, until it is spliced with another.

    Args:
        made: Called with this wire once it is connected.
    """

    def __init__(self, made: Callable[["Wire"], None] | None = None) -> None:
        self.touched: Callable[[], None] = _nothing
        """Called for all that comes in."""
        self.ended = asyncio.Event()
        """The other side has closed its half, or the connection is gone."""
        self._made = made
        self._unread: deque[bytes] = deque()
        self._size = 0
        self._came = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._sink: Wire | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = cast("asyncio.Transport", transport)
        if self._made is not None:
            self._made(self)

    def data_received(self, data: bytes) -> None:
        """Pass on or keep what came."""
        self.touched()
        if self._sink is not None:
            self._sink._transport.write(data)  # noqa: SLF001 - the other half of a pair
            return
        self._unread.append(data)
        self._size += len(data)
        self._came.set()
        if self._size > _MOST_UNREAD:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """Note that no more will come; what is still to be written can be."""
        self.ended.set()
        self._came.set()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """Wake whoever waits."""
        del error
        self.eof_received()
        self._writable.set()

    def pause_writing(self) -> None:
        """Let the source of a splice wait, or whoever writes."""
        if self._sink is not None:
            self._sink._transport.pause_reading()  # noqa: SLF001 - as above
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let them go on."""
        if self._sink is not None:
            self._sink._transport.resume_reading()  # noqa: SLF001 - as above
        self._writable.set()

    @property
    def peer(self) -> str:
        """The other side's address."""
        name = self._transport.get_extra_info("peername")
        return str(name[0]) if name else ""

    @property
    def usable(self) -> bool:
        """Whether something can be sent and answered."""
        return not self.ended.is_set() and not self._transport.is_closing()

    async def read(self) -> bytes:
        """Wait for some bytes; none mean the end."""
        while not self._unread and not self.ended.is_set():
            self._came.clear()
            await self._came.wait()
        data = b"".join(self._unread)
        self._unread.clear()
        self._size = 0
        if not self.ended.is_set():
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        """Send; waits while the other side takes nothing.

        Raises:
            ConnectionResetError: it is gone.
        """
        if self._transport.is_closing():
            raise ConnectionResetError
        self._transport.write(data)
        await self._writable.wait()

    def close(self) -> None:
        """Send what is left, and close."""
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()


async def splice(one: Wire, other: Wire) -> None:
    """Pass bytes both ways, untouched, until one side ends; then close both."""
    for source, sink in ((one, other), (other, one)):
        source._sink = sink  # noqa: SLF001 - makes the pair
        for data in source._unread:  # noqa: SLF001 - as above
            sink._transport.write(data)  # noqa: SLF001 - as above
        source._unread.clear()  # noqa: SLF001 - as above
        source._transport.resume_reading()  # noqa: SLF001 - as above
    ends = [asyncio.create_task(wire.ended.wait()) for wire in (one, other)]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for end in ends:
            end.cancel()
        one.close()
        other.close()


def _nothing() -> None:
    pass
