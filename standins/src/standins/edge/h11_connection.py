"""A connection that speaks HTTP/1.1."""

from typing import Any

import h11

from standins.edge.http1 import Wire

MAX_HEAD = 64 * 1024
"""Maximum size of a request's headers at an Application Load Balancer, in bytes."""


class H11Connection:
    """Sends and receives h11 events.

    Args:
        wire: The connection.
        role: This end's role: ``h11.SERVER`` towards a client, ``h11.CLIENT`` towards a target.
    """

    def __init__(self, wire: Wire, role: type[h11.CLIENT | h11.SERVER]) -> None:
        self.wire = wire
        self.http = h11.Connection(role, max_incomplete_event_size=MAX_HEAD)

    async def receive(self) -> Any:  # noqa: ANN401 - h11 has no common type for events
        """Return the next event.

        Raises:
            h11.RemoteProtocolError: The other side violates HTTP/1.1.
        """
        while (event := self.http.next_event()) is h11.NEED_DATA:
            self.http.receive_data(await self.wire.read())
        return event

    async def send(self, event: Any) -> None:  # noqa: ANN401 - as above
        """Send an event.

        Raises:
            ConnectionResetError: The connection is gone.
        """
        data = self.http.send(event)
        if data:
            await self.wire.write(data)

    def next_cycle(self) -> bool:
        """Prepare for the next request; return False if the connection must be closed."""
        # After an incomplete exchange, the next bytes would be read as a request.
        if self.http.our_state is not h11.DONE or self.http.their_state is not h11.DONE:
            return False
        self.http.start_next_cycle()
        return self.wire.usable

    def trailing(self) -> bytes:
        """Return the bytes that follow a protocol switch."""
        data: bytes = self.http.trailing_data[0]
        return data
