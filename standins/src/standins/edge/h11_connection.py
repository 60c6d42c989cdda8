"""A wire with HTTP/1.1 on it."""

from typing import Any

import h11

from standins.edge.http1 import Wire

MAX_HEAD = 64 * 1024
"""Bytes of a request's headers that an Application Load Balancer takes."""


class H11Connection:
    """Sends and receives the events of h11.

    Args:
        wire: The connection.
        role: What we are on it: ``h11.SERVER`` for a client, ``h11.CLIENT`` for a target.
    """

    def __init__(self, wire: Wire, role: type[h11.CLIENT | h11.SERVER]) -> None:
        self.wire = wire
        self.http = h11.Connection(role, max_incomplete_event_size=MAX_HEAD)

    async def receive(self) -> Any:  # noqa: ANN401 - h11 has no common type for events
        """Wait for the next event.

        Raises:
            h11.RemoteProtocolError: the other side does not speak HTTP/1.1.
        """
        while (event := self.http.next_event()) is h11.NEED_DATA:
            self.http.receive_data(await self.wire.read())
        return event

    async def send(self, event: Any) -> None:  # noqa: ANN401 - as above
        """Send an event.

        Raises:
            ConnectionResetError: nobody is there.
        """
        data = self.http.send(event)
        if data:
            await self.wire.write(data)

    def next_cycle(self) -> bool:
        """Get ready for another request; False if the connection has to be closed."""
        if self.http.our_state is not h11.DONE or self.http.their_state is not h11.DONE:
            return False
        self.http.start_next_cycle()
        return self.wire.usable

    def trailing(self) -> bytes:
        """Give what came behind the switch to another protocol."""
        data: bytes = self.http.trailing_data[0]
        return data
