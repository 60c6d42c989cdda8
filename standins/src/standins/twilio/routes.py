"""What the exchange answers on its port: Twilio's REST calls, handsets, health, and the faults tests order."""

import asyncio
import json
from typing import Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from standins.twilio import rest
from standins.twilio.desk import Desk
from standins.twilio.exchange import BANNER, Exchange, RestFault
from standins.twilio.live import Finish, GoTo, LiveCall, Replace

_DIAL_SECONDS: Final = 10.0


def create_app(exchange: Exchange) -> Starlette:
    """Put the exchange behind its addresses."""
    routes = Routes(exchange)
    return Starlette(
        routes=[
            Route("/2010-04-01/Accounts/{account}/Calls/{call}.json", routes.call, methods=["GET", "POST"]),
            WebSocketRoute("/handsets", routes.handset),
            Route("/health", routes.health),
            Route("/calls/{call}/timeline", routes.timeline),
            Route("/faults", routes.faults, methods=["POST", "DELETE"]),
        ]
    )


class Routes:
    """The handlers, each a thin layer over the exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def health(self, _: Request) -> Response:
        """Say that the process lives, and what it is."""
        live = sum(call.ended_at is None for call in self._exchange.calls.values())
        return JSONResponse({"status": "ok", "what": BANNER, "calls": live})

    async def call(self, request: Request) -> Response:
        """Look at a call, or change it."""
        try:
            fault = self._exchange.take_fault()
            if fault is not None:
                await asyncio.sleep(fault.hang_seconds)
                raise rest.scripted(fault.status)
            return JSONResponse(await self._rest(request))
        except rest.RestError as error:
            headers = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if error.status == 401 else None  # noqa: PLR2004
            return JSONResponse(error.body, error.status, headers)

    async def _rest(self, request: Request) -> dict[str, object]:
        account = request.path_params["account"]
        rest.authenticate(request.headers.get("Authorization"), account, self._exchange.settings)
        call = self._exchange.calls.get(request.path_params["call"])
        if call is None:
            raise rest.not_found(request.url.path)
        if request.method == "POST":
            form = dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))
            _apply(rest.read_update(form, call), call)
        return rest.call_resource(call)

    async def timeline(self, request: Request) -> Response:
        """Return what has been measured on a call so far."""
        call = self._exchange.calls.get(request.path_params["call"])
        if call is None:
            return JSONResponse({"error": "no such call"}, 404)
        return JSONResponse([event.as_json() for event in call.timeline.events])

    async def faults(self, request: Request) -> Response:
        """Order a fault of the REST interface, or take all of them back."""
        if request.method == "DELETE":
            self._exchange.rest_faults.clear()
            return Response(status_code=204)
        try:
            script = json.loads(await request.body())
            fault = RestFault(
                int(script.get("status", 500)), int(script.get("times", 1)), float(script.get("hang_seconds", 0))
            )
        except (ValueError, AttributeError, TypeError):
            return JSONResponse({"error": 'expected {"status": 429, "times": 1, "hang_seconds": 0}'}, 400)
        self._exchange.rest_faults.append(fault)
        return Response(status_code=204)

    async def handset(self, socket: WebSocket) -> None:
        """Serve one handset: it dials once, then talks until either side ends."""
        await socket.accept()
        try:
            async with asyncio.timeout(_DIAL_SECONDS):
                text = await socket.receive_text()
            await Desk(self._exchange, socket).serve(text)
        except (TimeoutError, WebSocketDisconnect, KeyError):
            return


def _apply(update: rest.Update, call: LiveCall) -> None:
    match update:
        case rest.EndCall():
            call.timeline.record("rest", status="completed")
            call.order(Finish("ended_by_rest"))
        case rest.RunTwiml(twiml):
            call.timeline.record("rest", twiml=True)
            call.order(Replace(twiml))
        case rest.RunUrl(url, method):
            call.timeline.record("rest", url=url)
            call.order(GoTo(url, method))
