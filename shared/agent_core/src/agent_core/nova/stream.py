"""Define the interface between the protocol and its transport, and count what is opened through it.

Every stream of the product passes through ``MeteredClient``: the first of a conversation, one that replaces a lost
stream, and the second one that a renewal holds briefly. It chooses each one's region and reacts to throttling.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from agent_core.errors import ModelError, ModelUnavailable
from agent_core.quota.capacity import Capacity, ModelRegion
from agent_core.quota.share import LINGER_SECONDS


class ModelStream(Protocol):
    """One bidirectional stream. At most one task sends, and at most one receives."""

    async def send(self, event: bytes) -> None:
        """Send one event's JSON.

        Raises:
            ModelError: the stream is broken.
        """

    async def ready(self) -> None:
        """Wait until the model has accepted the stream; has its own deadline.

        Raises:
            ModelError: the model refused, or did not respond.
        """

    async def receive(self) -> bytes | None:
        """Wait for the next event's JSON; return None when the model has closed the stream.

        Raises:
            ModelError: the model refused or failed.
        """

    async def close(self) -> None:
        """Release everything within about a second, whatever state the stream is in; never raises."""


class ModelClient(Protocol):
    """Opens streams."""

    async def open(self, model_id: str) -> ModelStream:
        """Open a stream; whether the model accepts it shows at the first ``receive``.

        Raises:
            ModelError: the stream could not be opened.
        """


class MeteredStream:
    """A stream that counts against the quota until shortly after it is closed."""

    def __init__(self, stream: ModelStream, region: ModelRegion, capacity: Capacity, epoch: int) -> None:
        self.send = stream.send  # called fifty times a second, so without a wrapper
        self._stream = stream
        self._region = region
        self._capacity = capacity
        self._epoch = epoch
        self.receive: Callable[[], Coroutine[Any, Any, bytes | None]] = self._receive_first
        """Waits for an event, see ``ModelStream``; the stream's own method once the model has accepted the stream."""
        self._taken = False
        self._counted = True

    async def ready(self) -> None:
        """Wait until the model has accepted the stream, see ``ModelStream``."""
        try:
            await self._stream.ready()
        except ModelError as error:
            self._refused(error)
            raise
        self._note_taken()

    async def _receive_first(self) -> bytes | None:
        try:
            event = await self._stream.receive()
        except ModelError as error:
            self._refused(error)
            raise
        self._note_taken()
        return event

    async def close(self) -> None:
        """Release the stream, see ``ModelStream``."""
        try:
            await self._stream.close()
        finally:
            if self._counted:
                self._counted = False
                # A refused stream was never open on the model's side, so it stops counting at once.
                release(self._region, LINGER_SECONDS if self._taken else 0.0)

    def _note_taken(self) -> None:
        self._taken = True
        # Nothing is left to count until the stream is closed.
        self.receive = self._stream.receive
        self._capacity.taken(self._region, self._epoch)

    def _refused(self, error: ModelError) -> None:
        self._capacity.refused(self._region, error.kind, self._epoch)


def release(region: ModelRegion, after: float) -> None:
    """Stop counting one stream, at once or after some seconds."""

    def count() -> None:
        region.share.streams -= 1
        region.changed()

    if after:
        asyncio.get_running_loop().call_later(after, count)
    else:
        count()


class MeteredClient:
    """Opens streams in the model's regions.

    Args:
        clients: One per region, in the order of the capacity's regions.
        capacity: Counts the streams.
    """

    def __init__(self, clients: Sequence[ModelClient], capacity: Capacity) -> None:
        self._capacity = capacity
        self._clients = {region.name: client for region, client in zip(capacity.regions, clients, strict=True)}

    async def open(self, model_id: str) -> MeteredStream:
        """Open a conversation's own stream, see ``ModelClient``."""
        return await self.open_in(self._capacity.choose(), model_id)

    @asynccontextmanager
    async def second(self) -> AsyncIterator[ModelClient]:
        """Yield a client for the second stream of a conversation that renews its own.

        Raises:
            ModelUnavailable: no stream is free; the old stream continues.
        """
        region = await self._capacity.double()
        if region is None:
            raise ModelUnavailable("NoFreeStream", "every stream to the model is in use")
        promised = _Promised(self, region)
        try:
            yield promised
        finally:
            promised.withdraw()

    async def open_in(self, region: ModelRegion, model_id: str) -> MeteredStream:
        """Open a stream in a region."""
        epoch = region.throttle.epoch
        # Counted before the request, so that concurrent conversations see it.
        region.share.streams += 1
        try:
            stream = await self._clients[region.name].open(model_id)
        except ModelError as error:
            release(region, 0.0)
            self._capacity.refused(region, error.kind, epoch)
            raise
        except BaseException:
            release(region, LINGER_SECONDS)  # the SDK closes it as soon as it is open
            raise
        try:
            return MeteredStream(stream, region, self._capacity, epoch)
        except BaseException:
            release(region, LINGER_SECONDS)
            await stream.close()
            raise


class _Promised:
    """Opens the one second stream that was reserved."""

    def __init__(self, client: MeteredClient, region: ModelRegion) -> None:
        self._client = client
        self._region: ModelRegion | None = region

    async def open(self, model_id: str) -> ModelStream:
        """Open the stream, see ``ModelClient``."""
        region = self.withdraw()
        if region is None:
            raise ModelUnavailable("NoFreeStream", "one stream was promised")
        return await self._client.open_in(region, model_id)

    def withdraw(self) -> ModelRegion | None:
        """Release the reservation; return its region if it was not used."""
        region, self._region = self._region, None
        if region is not None:
            region.share.reserved -= 1
        return region
