"""One client connection, with its consecutive requests."""

from dataclasses import dataclass

import h11

from standins.edge.fixed_responses import CLIENT_CLOSED, Unanswered, page, redirection
from standins.edge.forwarded_headers import HeaderRules, Headers, RequestOrigin, too_large
from standins.edge.h11_connection import H11Connection
from standins.edge.http1 import Wire
from standins.edge.idle_timeout import Idle
from standins.edge.proxied_request import ProxiedRequest
from standins.edge.rules import Forward, RedirectAction, Router
from standins.edge.targets import Group, Log


@dataclass(slots=True)
class EdgeState:
    """State that all connections share."""

    router: Router
    groups: dict[str, Group]
    headers: HeaderRules
    idle_seconds: float
    """Idle timeout."""
    protocol: str
    """``http`` or ``https``, for the X-Forwarded-Proto header."""
    log: Log
    """Called with an event for each response of the load balancer itself."""
    port: int = 0


class ClientConnection:
    """Serves one connection until it ends."""

    def __init__(self, wire: Wire, server_state: EdgeState) -> None:
        self._peer = H11Connection(wire, h11.SERVER)
        self._server_state = server_state
        self._idle = Idle(server_state.idle_seconds)
        self._exchange: ProxiedRequest | None = None
        self._waits_for_target = False
        # Traffic on either connection resets the idle timer.
        wire.touched = self._idle.touch

    async def serve(self) -> None:
        """Serve requests until either side closes the connection."""
        try:
            async with self._idle:
                while await self._one():
                    pass
        except TimeoutError:
            await self._give_up()
        except ConnectionError:
            pass
        finally:
            self._peer.wire.close()

    async def _one(self) -> bool:
        self._exchange, self._waits_for_target = None, False
        try:
            event = await self._receive()
            # The client has closed the connection.
            if not isinstance(event, h11.Request):
                return False
            await self._answer(event)
        except Unanswered as failure:
            await self._refuse(failure)
        return self._peer.next_cycle()

    async def _receive(self) -> object:
        try:
            return await self._peer.receive()
        except h11.RemoteProtocolError as error:
            status = 501 if error.error_status_hint == 501 else 400  # noqa: PLR2004 - an unknown transfer coding
            raise Unanswered(status, "bad_request") from None

    async def _answer(self, request: h11.Request) -> None:
        if too_large(request.headers):
            raise Unanswered(400, "headers_too_large")
        if request.method == b"TRACE":
            raise Unanswered(405, "trace")
        target = request.target.decode("latin-1")
        match self._server_state.router.route(target, list(request.headers)):
            case RedirectAction() as redirect:
                host = dict(request.headers).get(b"host", b"").decode("latin-1")
                await self._send(redirect.status, *redirection(redirect, target, host))
            case Forward(group):
                await self._forward(request, self._server_state.groups[group])

    async def _forward(self, request: h11.Request, group: Group) -> None:
        arrival = RequestOrigin(self._peer.wire.peer, self._server_state.protocol, self._server_state.port)
        target = group.choose(request.headers.raw_items())
        # From here on, an idle timeout is the target's fault.
        self._waits_for_target = True
        peer = await target.connect()
        peer.wire.touched = self._idle.touch
        with target.using(peer):
            self._exchange = ProxiedRequest(self._peer, peer, group.cookies(target))
            await self._exchange.run(request, arrival, self._server_state.headers)

    async def _refuse(self, failure: Unanswered) -> None:
        self._server_state.log({"event": "edge_answered", "status": failure.status, "reason": failure.reason})
        begun = self._exchange is not None and self._exchange.answered
        if begun or failure.status == CLIENT_CLOSED:
            self._peer.wire.abort()  # a partial response must not look complete
        else:
            await self._send(failure.status, *page(failure.status))

    async def _send(self, status: int, headers: Headers, body: bytes) -> None:
        await self._peer.send(h11.Response(status_code=status, headers=headers))
        await self._peer.send(h11.Data(data=body))
        await self._peer.send(h11.EndOfMessage())

    async def _give_up(self) -> None:
        """End an idle connection, with an error response if one is due."""
        http = self._peer.http
        # A client that has sent part of a request gets 408; one that has sent nothing is just closed.
        if http.their_state is h11.SEND_BODY or (http.their_state is h11.IDLE and http.trailing_data[0]):
            await self._refuse(Unanswered(408, "client_idle"))
        elif self._waits_for_target and http.our_state is h11.SEND_RESPONSE:
            await self._refuse(Unanswered(504, "target_idle"))
