"""HTTP routes of the stand-in: Twilio's REST API, simulated phones, health check, and fault injection."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from standins.twilio import placing, rest
from standins.twilio.call_server import BANNER, CallServer, RestFault
from standins.twilio.handset_gateway import Desk
from standins.twilio.live import DialledCall, Finish, GoTo, Replace

_DIAL_SECONDS: Final = 10.0


def create_app(exchange: CallServer) -> Starlette:
    """Return the application for an exchange."""
    routes = Routes(exchange)
    return Starlette(
        routes=[
            Route("/2010-04-01/Accounts/{account}/Calls/{call}.json", routes.call, methods=["GET", "POST"]),
            Route("/2010-04-01/Accounts/{account}.json", routes.account),
            Route("/2010-04-01/Accounts/{account}/Calls.json", routes.calls, methods=["GET"]),
            Route("/2010-04-01/Accounts/{account}/Calls.json", routes.place, methods=["POST"]),
            Route("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json", routes.numbers),
            Route(
                "/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{number}.json",
                routes.number,
                methods=["GET", "POST"],
            ),
            WebSocketRoute("/handsets", routes.handset),
            Route("/health", routes.health),
            Route("/calls/{call}/timeline", routes.timeline),
            Route("/faults", routes.faults, methods=["POST", "DELETE"]),
        ]
    )


type _Answer = Callable[[Request], Awaitable[dict[str, object]]]


class Routes:
    """The handlers, each a thin layer over the exchange."""

    def __init__(self, exchange: CallServer) -> None:
        self._exchange = exchange

    async def health(self, _: Request) -> Response:
        """Return status and description."""
        live = sum(call.ended_at is None for call in self._exchange.calls.values())
        return JSONResponse({"status": "ok", "what": BANNER, "calls": live})

    async def call(self, request: Request) -> Response:
        """Return or update a call."""
        return await self._answered(request, self._call)

    async def calls(self, request: Request) -> Response:
        """List the newest calls."""
        return await self._answered(request, self._calls)

    async def place(self, request: Request) -> Response:
        """Place a call; the response comes before the phone rings."""
        return await self._answered(request, self._place, status=201)

    async def account(self, request: Request) -> Response:
        """Return the account; only its own token may read it, not a standard API key."""
        return await self._answered(request, self._account)

    async def numbers(self, request: Request) -> Response:
        """List the account's phone numbers."""
        return await self._answered(request, self._numbers)

    async def number(self, request: Request) -> Response:
        """Return a phone number, or update its webhook."""
        return await self._answered(request, self._number)

    async def _answered(self, request: Request, answer: _Answer, status: int = 200) -> Response:
        try:
            # Reading changes nothing, so it is neither counted nor subject to faults.
            fault = self._exchange.take_fault() if request.method == "POST" or "Numbers" in request.url.path else None
            # A fault may delay a request that then succeeds.
            if fault is not None:
                await asyncio.sleep(fault.hang_seconds)
                if fault.fails:
                    raise rest.scripted(fault.status)
            account = request.path_params["account"]
            rest.authenticate(request.headers.get("Authorization"), account, self._exchange.settings)
            return JSONResponse(await answer(request), status)
        except rest.RestError as error:
            headers = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if error.status == 401 else None  # noqa: PLR2004
            return JSONResponse(error.body, error.status, headers)

    async def _call(self, request: Request) -> dict[str, object]:
        call = self._exchange.calls.get(request.path_params["call"])
        if call is None or self._exchange.elsewhere:
            raise rest.not_found(request.url.path)
        if request.method == "POST":
            # A form that is not valid raises before the call is touched.
            _apply(rest.read_update(await _form(request), call), call)
        return rest.call_resource(call)

    async def _calls(self, request: Request) -> dict[str, object]:
        size = int(request.query_params.get("PageSize", "50"))
        # The newest first, as Twilio lists them.
        newest = [] if self._exchange.elsewhere else list(self._exchange.calls.values())[: -size - 1 : -1]
        return {"calls": [rest.call_resource(call) for call in newest], "page": 0, "page_size": size}

    async def _place(self, request: Request) -> dict[str, object]:
        wanted = placing.read(await _form(request), self._exchange.settings.numbers)
        return rest.call_resource(self._exchange.call_person(wanted))

    async def _account(self, request: Request) -> dict[str, object]:
        account = request.path_params["account"]
        if not rest.is_main(request.headers.get("Authorization"), self._exchange.settings):
            raise rest.account_refused()
        return {"sid": account, "status": "active", "type": "Full"}

    async def _numbers(self, request: Request) -> dict[str, object]:
        number = request.query_params.get("PhoneNumber", "")
        return self._exchange.numbers.listed(request.path_params["account"], number)

    async def _number(self, request: Request) -> dict[str, object]:
        account, sid = request.path_params["account"], request.path_params["number"]
        return self._exchange.numbers.update(account, sid, await _form(request))

    async def timeline(self, request: Request) -> Response:
        """Return the events of a call so far."""
        call = self._exchange.calls.get(request.path_params["call"])
        if call is None:
            return JSONResponse({"error": "no such call"}, 404)
        return JSONResponse([event.as_json() for event in call.timeline.events])

    async def faults(self, request: Request) -> Response:
        """Inject a fault into the REST API, or remove all faults."""
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
        """Serve one simulated phone: it dials once, then talks until either side ends the call."""
        await socket.accept()
        try:
            # A phone that connects and never dials must not stay.
            async with asyncio.timeout(_DIAL_SECONDS):
                text = await socket.receive_text()
            await Desk(self._exchange, socket).serve(text)
        except (TimeoutError, WebSocketDisconnect, KeyError):
            return


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))


def _apply(update: rest.Update, call: DialledCall) -> None:
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
