"""Forwards one request to a target, and its response to the client."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import h11

from standins.edge.fixed_responses import CLIENT_CLOSED, Unanswered
from standins.edge.forwarded_headers import HeaderRules, Headers, RequestOrigin, through, to_target
from standins.edge.h11_connection import H11Connection
from standins.edge.http1 import splice


class ProxiedRequest:
    """Streams a request and its response: neither is buffered until it is complete.

    Args:
        client: The connection that has sent the head of a request.
        target: The connection to the target.
        added: Headers that the load balancer adds to the response.
    """

    def __init__(self, client: H11Connection, target: H11Connection, added: Headers) -> None:
        self._client = client
        self._target = target
        self._added = added
        self.answered = False
        """Whether a response has started: it is too late for an error response."""

    async def run(self, request: h11.Request, arrival: RequestOrigin, rules: HeaderRules) -> None:
        """Forward the exchange until it is complete; for a WebSocket, until the tunnel ends.

        Raises:
            Unanswered: The target did not send a valid response, or the client is gone.
        """
        # The head is sent first; the body follows as it arrives.
        headers = to_target(list(request.headers.raw_items()), arrival, rules)
        try:
            await self._target.send(h11.Request(method=request.method, target=request.target, headers=headers))
            switched = await self._both_ways()
        except (ConnectionError, h11.RemoteProtocolError):
            raise Unanswered(502, "target_broke_off") from None
        if switched:
            await self._tunnel()

    async def _both_ways(self) -> bool:
        down = asyncio.create_task(self._download())
        # The upload and the watch for a leaving client run beside the download, which decides when all is over.
        beside = {asyncio.create_task(self._upload()), asyncio.create_task(self._client_leaves())}
        tasks = {down, *beside}
        try:
            while not down.done():
                done, _ = await asyncio.wait({down, *beside}, return_when=asyncio.FIRST_COMPLETED)
                # A client may disconnect once it has the whole response; that is not an error.
                for task in done & beside if down not in done else ():
                    task.result()
                beside -= done
            return down.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _upload(self) -> None:
        """Forward the body. If the target stops reading, its response still counts."""
        with suppress(ConnectionError):
            while True:
                event = await self._from_client()
                if isinstance(event, h11.Data):
                    await self._target.send(h11.Data(data=event.data))
                elif isinstance(event, h11.EndOfMessage):
                    await self._target.send(h11.EndOfMessage(headers=event.headers))
                    return
                else:
                    raise Unanswered(CLIENT_CLOSED, "client_closed")

    async def _from_client(self) -> object:
        try:
            return await self._client.receive()
        except h11.RemoteProtocolError:
            # A client that closes ends the body early; any other violation is its fault.
            gone = self._client.wire.ended.is_set()
            raise Unanswered(CLIENT_CLOSED if gone else 400, "client_broke_off" if gone else "bad_body") from None

    async def _client_leaves(self) -> None:
        await self._client.wire.ended.wait()
        raise Unanswered(CLIENT_CLOSED, "client_closed")

    async def _download(self) -> bool:
        """Forward the response; return whether the connection switched to WebSocket."""
        while True:
            event = await self._target.receive()
            match event:
                case h11.InformationalResponse(status_code=101):
                    self.answered = True
                    await self._client.send(_head(event))
                    return True
                case h11.InformationalResponse():
                    await self._client.send(_head(event))
                case h11.Response():
                    self.answered = True
                    await self._client.send(_head(event, self._added))
                case h11.Data():
                    await self._client.send(h11.Data(data=event.data))
                case h11.EndOfMessage():
                    await self._client.send(h11.EndOfMessage(headers=event.headers))
                    # A response that is complete ends the exchange, even if the request body is not.
                    return False
                case _:
                    raise Unanswered(502, "target_closed")

    async def _tunnel(self) -> None:
        with suppress(ConnectionError):
            # Bytes that arrived behind the handshake belong to the tunnel.
            await self._target.wire.write(self._client.trailing())
            await self._client.wire.write(self._target.trailing())
            await splice(self._client.wire, self._target.wire)


def _head(
    event: h11.Response | h11.InformationalResponse, added: Sequence[tuple[bytes, bytes]] = ()
) -> h11.Response | h11.InformationalResponse:
    headers = [*through(list(event.headers.raw_items())), *added]
    return type(event)(status_code=event.status_code, headers=headers, reason=event.reason)
