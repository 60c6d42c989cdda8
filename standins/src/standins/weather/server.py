"""The Open-Meteo stand-in as a server: the original's two endpoints, and a control API for inspection and faults."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from standins.fault_schedule import FaultSchedule
from standins.serving import serving
from standins.weather import forecast, geocoding
from standins.weather.cities import Cities, world
from standins.weather.faults import WeatherFault
from standins.weather.terms import FreeTierLimits, NotAllowed, check_key, weight

ABOUT = "Stand-in for Open-Meteo: real places and response formats, invented numbers; not a weather forecast"

type Answering = Callable[[forecast.Query], forecast.Answer]


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _silent(_: dict[str, object]) -> None:
    pass


@dataclass(frozen=True, slots=True)
class WeatherSettings:
    """Settings of the stand-in.

    Args:
        port: 0 selects a free port.
        host: A loopback address, because the control API needs no authentication.
        clock: Returns the time (UTC).
        log: Called with one event per request.
        api_key: A customer's key, required in every request; None simulates the free plan.
        limits: Whether the free plan's limits apply, or other limits.
    """

    port: int = 0
    host: str = "127.0.0.1"
    clock: Callable[[], datetime] = _utc_now
    log: Callable[[dict[str, object]], None] = _silent
    api_key: str | None = None
    limits: bool | FreeTierLimits = False


class WeatherStandin:
    """A running stand-in, for the duration of an ``async with`` block."""

    def __init__(self, settings: WeatherSettings | None = None) -> None:
        self._settings = settings or WeatherSettings()
        self._script: FaultSchedule[WeatherFault] = FaultSchedule()
        self._requests: deque[dict[str, object]] = deque(maxlen=1000)
        self._running = AsyncExitStack()
        limits = self._settings.limits
        self._limits = FreeTierLimits(self._settings.clock) if limits is True else limits or None
        self._cities = Cities([], {}, {})
        self.port = self._settings.port

    async def __aenter__(self) -> Self:
        """Load the cities and open the port.

        Raises:
            OSError: The port is in use.
        """
        self._cities = await asyncio.to_thread(world)
        listening = serving(self._app(), host=self._settings.host, port=self._settings.port)
        self.port = await self._running.enter_async_context(listening)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the port."""
        await self._running.aclose()

    @property
    def url(self) -> str:
        """Base URL."""
        return f"http://{self._settings.host}:{self.port}"

    @property
    def forecast_url(self) -> str:
        """Replaces https://api.open-meteo.com/v1/forecast."""
        return f"{self.url}/v1/forecast"

    @property
    def geocoding_url(self) -> str:
        """Replaces https://geocoding-api.open-meteo.com/v1/search."""
        return f"{self.url}/v1/search"

    @property
    def requests(self) -> list[dict[str, object]]:
        """The last thousand requests: time, endpoint, query, status."""
        return list(self._requests)

    def fail(self, fault: WeatherFault) -> None:
        """Add a fault to the script."""
        self._script.faults.append(fault)

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._script.faults.clear()

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/forecast", self._forecast),
                Route("/v1/search", self._geocoding),
                Route("/health", self._health),
                Route("/requests", self._show_requests),
                Route("/requests", self._forget_requests, methods=["DELETE"]),
                Route("/faults", self._show_faults),
                Route("/faults", self._add_fault, methods=["POST"]),
                Route("/faults", self._clear_faults, methods=["DELETE"]),
            ]
        )

    async def _forecast(self, request: Request) -> Response:
        def answering(query: forecast.Query) -> forecast.Answer:
            return forecast.answer(forecast.parse(query, self._cities), self._settings.clock())

        return await self._answer("forecast", request, answering)

    async def _geocoding(self, request: Request) -> Response:
        return await self._answer("geocoding", request, lambda query: geocoding.search(query, self._cities))

    async def _answer(self, address: str, request: Request, answering: Answering) -> Response:
        query = dict(request.query_params)
        response = self._by_the_terms(request, query) or _respond(answering, query)
        fault = self._script.take(address)
        if fault is not None:
            response = fault.spoil(response)
            await self._hold(fault.after_ms / 1000)
        self._note(address, query, response.status_code, fault)
        return response

    def _by_the_terms(self, request: Request, query: forecast.Query) -> Response | None:
        """Return an error for a wrong key or an exceeded limit; the free plan redirects requests with a key."""
        try:
            if self._settings.api_key is not None:
                check_key(query, self._settings.api_key)
            elif "apikey" in query:
                location = f"http://customer-{request.url.netloc}/{request.url.path}?{request.url.query}"
                return Response(status_code=303, headers={"location": location})
            elif self._limits is not None:
                self._limits.check()
                self._limits.count(weight(query))
        except NotAllowed as refusal:
            return JSONResponse({"error": True, "reason": str(refusal)}, status_code=refusal.status)
        return None

    async def _hold(self, seconds: float) -> None:
        if self._limits is not None:
            self._limits.under_way += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            if self._limits is not None:
                self._limits.under_way -= 1

    def _note(self, address: str, query: forecast.Query, status: int, fault: WeatherFault | None) -> None:
        # Tests and logs may show requests, but never a key.
        shown = dict(query) | ({"apikey": "…"} if "apikey" in query else {})
        seen = {"address": address, "query": shown, "status": status, "fault": fault and fault.action}
        self._requests.append({"at": self._settings.clock().timestamp(), **seen})
        self._settings.log({"event": "weather_asked", **seen})

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "about": ABOUT})

    async def _show_requests(self, _: Request) -> Response:
        return JSONResponse(self.requests)

    async def _forget_requests(self, _: Request) -> Response:
        self._requests.clear()
        return Response(status_code=204)

    async def _show_faults(self, _: Request) -> Response:
        return JSONResponse([asdict(fault) for fault in self._script.faults])

    async def _add_fault(self, request: Request) -> Response:
        try:
            self.fail(WeatherFault.read(json.loads(await request.body())))
        except ValueError as error:
            return JSONResponse({"error": True, "reason": str(error)}, status_code=400)
        return await self._show_faults(request)

    async def _clear_faults(self, _: Request) -> Response:
        self.clear_faults()
        return Response(status_code=204)


def _respond(answering: Answering, query: forecast.Query) -> Response:
    try:
        return JSONResponse(answering(query), media_type="application/json; charset=utf-8")
    except forecast.BadQuery as error:
        return JSONResponse({"reason": str(error), "error": True}, status_code=400)
