"""The small interface between the protocol and whatever carries it."""

from typing import Protocol


class ModelStream(Protocol):
    """One bidirectional stream. Not more than one task sends and one receives."""

    async def send(self, event: bytes) -> None:
        """Send one event's JSON.

        Raises:
            ModelError: the stream is broken.
        """

    async def ready(self) -> None:
        """Wait until the model has taken the stream; has its own deadline.

        Raises:
            ModelError: it refused, or did not answer.
        """

    async def receive(self) -> bytes | None:
        """Wait for the next event's JSON; None when the model has closed the stream.

        Raises:
            ModelError: the model refused or failed.
        """

    async def close(self) -> None:
        """Release everything within a second or so, whatever state the stream is in; never raises."""


class ModelClient(Protocol):
    """Opens streams."""

    async def open(self, model_id: str) -> ModelStream:
        """Begin a stream; whether the model takes it shows at the first ``receive``.

        Raises:
            ModelError: no stream could be begun.
        """
