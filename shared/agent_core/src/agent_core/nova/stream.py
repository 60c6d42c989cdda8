"""Define the interface between the protocol and its transport."""

from typing import Protocol


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
