"""One TCP connection, whose bytes are read in order or forwarded to another connection."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

_MOST_UNREAD = 256 * 1024
"""Size of the read buffer; when it is full, reading pauses."""


class Wire(asyncio.Protocol):
    """A connection that is read in order, until it is spliced with another one.

    Args:
        made: Called with this connection when it is open.
    """

    def __init__(self, made: Callable[["Wire"], None] | None = None) -> None:
        self.touched: Callable[[], None] = _nothing
        """Called whenever data arrives."""
        self.ended = asyncio.Event()
        """Set when the other side has closed its half, or the connection is gone."""
        self._made = made
        self._unread: deque[bytes] = deque()
        self._size = 0
        self._came = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._sink: Wire | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self._transport = cast("asyncio.Transport", transport)
        if self._made is not None:
            self._made(self)

    def data_received(self, data: bytes) -> None:
        """Forward or buffer data."""
        self.touched()
        # Spliced connections bypass all buffers.
        if self._sink is not None:
            self._sink._transport.write(data)  # noqa: SLF001 - the other half of a pair
            return
        self._unread.append(data)
        self._size += len(data)
        self._came.set()
        if self._size > _MOST_UNREAD:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """Record the end of the input; pending output can still be written."""
        self.ended.set()
        self._came.set()
        # Keeps the other half open.
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """Wake all waiting tasks."""
        del error
        self.eof_received()
        self._writable.set()

    def pause_writing(self) -> None:
        """Pause the source of a splice, or writers."""
        if self._sink is not None:
            self._sink._transport.pause_reading()  # noqa: SLF001 - as above
        self._writable.clear()

    def resume_writing(self) -> None:
        """Resume what was paused."""
        if self._sink is not None:
            self._sink._transport.resume_reading()  # noqa: SLF001 - as above
        self._writable.set()

    @property
    def peer(self) -> str:
        """Address of the other side."""
        name = self._transport.get_extra_info("peername")
        return str(name[0]) if name else ""

    @property
    def usable(self) -> bool:
        """Whether the connection can carry another request."""
        return not self.ended.is_set() and not self._transport.is_closing()

    async def read(self) -> bytes:
        """Return some bytes; empty at the end."""
        while not self._unread and not self.ended.is_set():
            self._came.clear()
            await self._came.wait()
        data = b"".join(self._unread)
        self._unread.clear()
        self._size = 0
        # Reading was paused only if the buffer was full; resuming twice is harmless.
        if not self.ended.is_set():
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        """Send data; waits while the other side does not read.

        Raises:
            ConnectionResetError: The connection is gone.
        """
        if self._transport.is_closing():
            raise ConnectionResetError
        self._transport.write(data)
        await self._writable.wait()

    def close(self) -> None:
        """Send pending data, and close."""
        self._transport.close()

    def abort(self) -> None:
        """Close immediately."""
        self._transport.abort()


async def splice(one: Wire, other: Wire) -> None:
    """Forward bytes in both directions until one side ends; then close both."""
    for source, sink in ((one, other), (other, one)):
        source._sink = sink  # noqa: SLF001 - makes the pair
        # What was read before the splice goes first.
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
