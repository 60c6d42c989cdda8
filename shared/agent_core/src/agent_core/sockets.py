"""What uvicorn's WebSocket protocol leaves open, closed."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Refuses a handshake that cannot be read.

    uvicorn 0.54 looks for errors in frames only: the answer to a handshake with a header line above 8 KiB is made
    and never sent, so a stranger could keep such sockets for ever.
    """

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()
