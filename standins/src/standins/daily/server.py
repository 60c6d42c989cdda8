"""The Daily stand-in as a server: Daily's endpoints, and a control API for inspection and faults."""

import hmac
import json
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from typing import Any, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from standins.daily import errors
from standins.daily.domain import DailyDomain, Json, RoomLedger
from standins.daily.errors import RestRefusedError
from standins.daily.faults import DailyFault
from standins.daily.rate_limits import RateLimit
from standins.fault_schedule import FaultSchedule
from standins.serving import serving

ABOUT = "Stand-in for Daily's REST API: rooms and tokens with their errors and limits; rooms cannot be joined"

DEFAULT_KEY = "standin-daily-key"

type Step = Callable[[Json], Json]


def _silent(_: dict[str, object]) -> None:
    pass


@dataclass(frozen=True, slots=True)
class DailySettings:
    """Settings of the stand-in.

    Args:
        api_key: The only accepted key.
        port: 0 selects a free port.
        host: A loopback address, because the endpoints below ``/control`` need no authentication.
        clock: Returns unix seconds; the limits use it too.
        log: Called with one event per request.
    """

    api_key: str = DEFAULT_KEY
    port: int = 0
    host: str = "127.0.0.1"
    clock: Callable[[], float] = time.time
    log: Callable[[dict[str, object]], None] = _silent


class DailyStandin:
    """A running stand-in, for the duration of an ``async with`` block."""

    def __init__(self, settings: DailySettings | None = None) -> None:
        self._settings = settings or DailySettings()
        self._domain = DailyDomain(self._settings.clock)
        self._script: FaultSchedule[DailyFault] = FaultSchedule()
        # Daily's documented limits: 20 a second in general, 50 in half a minute for slow operations.
        self._all = RateLimit(100, 5, self._settings.clock)
        self._slow = RateLimit(50, 30, self._settings.clock)
        self._running = AsyncExitStack()
        self.port = self._settings.port
        self.requests: list[tuple[str, int]] = []
        """Step and status of each response; 0 for one that was never sent."""

    async def __aenter__(self) -> Self:
        """Open the port.

        Raises:
            OSError: The port is in use.
        """
        listening = serving(self._app(), host=self._settings.host, port=self._settings.port)
        self.port = await self._running.enter_async_context(listening)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the port."""
        await self._running.aclose()

    @property
    def api_url(self) -> str:
        """Replaces https://api.daily.co/v1."""
        return f"http://{self._settings.host}:{self.port}/v1"

    @property
    def api_key(self) -> str:
        """The accepted API key."""
        return self._settings.api_key

    @property
    def ledger(self) -> RoomLedger:
        """What was created and deleted."""
        return self._domain.ledger

    @property
    def open_rooms(self) -> list[str]:
        """Names of the existing rooms."""
        return self._domain.open_rooms

    def describe(self, name: str) -> Json:
        """Return a room as the API shows it.

        Raises:
            RestRefusedError: It does not exist.
        """
        return self._domain.get(name)

    def read_token(self, token: str) -> Json:
        """Return the claims of a token.

        Raises:
            RestRefusedError: Its signature is not valid, or it has expired.
        """
        return self._domain.read_token(token)

    def fail(self, fault: DailyFault) -> None:
        """Add a fault to the script."""
        self._script.faults.append(fault)

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._script.faults.clear()

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/rooms", self._create, methods=["POST"]),
                Route("/v1/rooms", self._list),
                Route("/v1/rooms/{name}", self._get),
                Route("/v1/rooms/{name}", self._delete, methods=["DELETE"]),
                Route("/v1/meeting-tokens", self._token, methods=["POST"]),
                Route("/v1/meeting-tokens/{token}", self._read_token),
                Route("/health", self._health),
                Route("/control/ledger", self._show_ledger),
                Route("/control/faults", self._show_faults),
                Route("/control/faults", self._add_fault, methods=["POST"]),
                Route("/control/faults", self._clear_faults, methods=["DELETE"]),
            ]
        )

    async def _create(self, request: Request) -> Response:
        return await self._answer("create", request, self._domain.create)

    async def _list(self, request: Request) -> Response:
        return await self._answer("list", request, lambda _: self._domain.list_rooms())

    async def _get(self, request: Request) -> Response:
        return await self._answer("get", request, lambda _: self._domain.get(request.path_params["name"]))

    async def _delete(self, request: Request) -> Response:
        return await self._answer("delete", request, lambda _: self._domain.delete(request.path_params["name"]))

    async def _token(self, request: Request) -> Response:
        return await self._answer("token", request, self._domain.make_token)

    async def _read_token(self, request: Request) -> Response:
        return await self._answer("get", request, lambda _: self._domain.read_token(request.path_params["token"]))

    async def _answer(self, name: str, request: Request, step: Step) -> Response:
        # Read the body before a fault strikes: the client must have sent it.
        body = await request.body()
        fault = self._script.take(name)
        response = None
        # A delay, or a lost response, still executes the step.
        if fault is None or fault.done or fault.action == "delay":
            response = self._carry_out(name, request, body, step)
        if fault is not None:
            # With status 0 until the response is sent, so that one that is never sent stays visible.
            self.requests.append((name, 0))
            response = await fault.answer() or response
            self.requests.remove((name, 0))
        assert response is not None  # noqa: S101 - a fault that returns None has let the step run
        self.requests.append((name, response.status_code))
        action = fault.action if fault else None
        self._settings.log({"event": "daily_asked", "step": name, "status": response.status_code, "fault": action})
        return response

    def _carry_out(self, name: str, request: Request, body: bytes, step: Step) -> Response:
        try:
            # Daily checks the key first, then the rate, then the request.
            self._check_key(request.headers.get("authorization"))
            (self._slow if name in ("delete", "list") else self._all).take()
            return JSONResponse(step(_read(body)))
        except RestRefusedError as refusal:
            return JSONResponse(refusal.body, refusal.status)

    def _check_key(self, header: str | None) -> None:
        kind, _, key = (header or "").partition(" ")
        if kind != "Bearer" or not key:
            raise errors.no_header()
        # Constant time, as a real service would compare.
        if not hmac.compare_digest(key.encode(), self._settings.api_key.encode()):
            raise errors.wrong_key()

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "about": ABOUT})

    async def _show_ledger(self, _: Request) -> Response:
        return JSONResponse(asdict(self.ledger) | {"open": self.open_rooms, "requests": self.requests})

    async def _show_faults(self, _: Request) -> Response:
        return JSONResponse([asdict(fault) for fault in self._script.faults])

    async def _add_fault(self, request: Request) -> Response:
        try:
            self.fail(DailyFault.read(json.loads(await request.body())))
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return await self._show_faults(request)

    async def _clear_faults(self, _: Request) -> Response:
        self.clear_faults()
        return Response(status_code=204)


def _read(body: bytes) -> Json:
    # Daily accepts an empty body.
    try:
        read: Any = json.loads(body or b"{}")
    except ValueError:
        raise errors.no_json() from None
    if not isinstance(read, dict):
        raise errors.invalid("the request body should be an object")
    return read
