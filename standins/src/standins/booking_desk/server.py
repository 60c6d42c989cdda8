"""The desk as a server: MCP at ``/mcp``, and a control API for inspection and faults."""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final, Self

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from standins.booking_desk.book import Book, Entry, Refused
from standins.booking_desk.faults import DeskFault
from standins.fault_schedule import FaultSchedule
from standins.serving import serving

ABOUT = "Stand-in for a reservation system with an MCP server: invented tables, kept in memory"
KEY: Final = "idempotencyKey"
"""Key of ``_meta`` by which it recognizes a request that it has run."""

_STOP_SECONDS: Final = 10.0

Day = Annotated[str, Field(description="Date, such as 2026-12-04")]
Time = Annotated[str, Field(description="Time, such as 19:30")]
People = Annotated[int, Field(ge=1, le=8, description="How many people")]
Name = Annotated[str, Field(min_length=1, max_length=60, description="Name for the booking")]
Number = Annotated[int, Field(description="Number of the booking")]


def _silent(_: dict[str, object]) -> None:
    pass


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """Settings of the stand-in.

    Args:
        port: 0 selects a free port.
        host: A loopback address, because the control API needs no authentication.
        log: Called with one event per call of a tool.
        token: Required as a bearer token; empty accepts everyone.
        sessions: Whether it speaks the protocol's older form, with sessions.
    """

    port: int = 0
    host: str = "127.0.0.1"
    log: Callable[[dict[str, object]], None] = _silent
    token: str = ""
    sessions: bool = False


class BookingDesk:
    """A running stand-in, for the duration of an ``async with`` block."""

    def __init__(self, settings: DeskSettings | None = None) -> None:
        self._settings = settings or DeskSettings()
        self._script: FaultSchedule[DeskFault] = FaultSchedule()
        self._stop = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self.port = self._settings.port
        self.book = Book()
        self.calls: deque[dict[str, Any]] = deque(maxlen=1000)
        """The last thousand calls: tool, arguments and key."""
        self.server = MCPServer("booking-desk", log_level="CRITICAL")
        for tool in (self.free_tables, self.book_table, self.join_waiting_list, self.cancel_booking):
            self.server.add_tool(tool)
        for path, methods, handler in (
            ("/health", ["GET"], self._health),
            ("/bookings", ["GET"], self._bookings),
            ("/calls", ["GET"], self._calls),
            ("/faults", ["GET", "POST", "DELETE"], self._faults),
        ):
            self.server.custom_route(path, methods)(handler)

    async def __aenter__(self) -> Self:
        """Open the port.

        Raises:
            OSError: The port is in use.
        """
        # The SDK logs each request; this stand-in's own events say the same.
        logging.getLogger("mcp").setLevel(logging.CRITICAL)
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        # The SDK must leave its task group in the task that entered it, which need not be the one that closes this.
        self._serving = asyncio.create_task(self._serve(ready), name="booking-desk")
        either: set[asyncio.Future[Any]] = {self._serving, ready}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        # It ends before it is ready only with an error, such as a port in use.
        if self._serving.done():
            await self._serving
        self.port = ready.result()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the port."""
        self._stop.set()
        if self._serving is not None:
            await asyncio.wait({self._serving}, timeout=_STOP_SECONDS)
            self._serving.cancel()

    async def _serve(self, ready: asyncio.Future[int]) -> None:
        app = self.server.streamable_http_app(host=self._settings.host, stateless_http=not self._settings.sessions)
        async with AsyncExitStack() as running:
            await running.enter_async_context(app.router.lifespan_context(app))
            listening = serving(self._guarded(app), host=self._settings.host, port=self.port)
            ready.set_result(await running.enter_async_context(listening))
            await self._stop.wait()

    def _guarded(self, app: Any) -> Any:  # noqa: ANN401 - an ASGI application
        async def checked(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
            # Only MCP: a health check has no token.
            request = Request(scope) if scope["type"] == "http" else None
            wanted = f"Bearer {self._settings.token}" if self._settings.token else ""
            if request and wanted and request.url.path == "/mcp" and request.headers.get("authorization") != wanted:
                await JSONResponse({"error": "unauthorized"}, status_code=401)(scope, receive, send)
                return
            await app(scope, receive, send)

        return checked

    @property
    def url(self) -> str:
        """Base URL."""
        return f"http://{self._settings.host}:{self.port}"

    @property
    def mcp_url(self) -> str:
        """URL of the MCP server."""
        return f"{self.url}/mcp"

    def fail(self, fault: DeskFault) -> None:
        """Add a fault to the script."""
        self._script.faults.append(fault)

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._script.faults.clear()

    async def free_tables(self, day: Day, people: People, context: Context) -> dict[str, Any]:
        """List the times of a day at which a table is free."""
        return await self._run(
            context,
            "free_tables",
            {"day": day, "people": people},
            lambda _: {"day": day, "times": self.book.free(day, people)},
        )

    async def book_table(self, day: Day, time: Time, people: People, name: Name, context: Context) -> dict[str, Any]:
        """Book a table at a time that is free."""
        arguments = {"day": day, "time": time, "people": people, "name": name}
        return await self._run(
            context, "book_table", arguments, lambda key: asdict(self.book.book(day, time, people, name, key))
        )

    async def join_waiting_list(self, day: Day, people: People, name: Name, context: Context) -> dict[str, Any]:
        """Put a guest on the waiting list of a day that is fully booked."""

        def waiting(key: str) -> dict[str, Any]:
            entry, position = self.book.wait(day, people, name, key)
            return {"number": entry.number, "day": entry.day, "people": entry.people, "position": position}

        return await self._run(context, "join_waiting_list", {"day": day, "people": people, "name": name}, waiting)

    async def cancel_booking(self, number: Number, context: Context) -> dict[str, Any]:
        """Cancel a booking, or a place on the waiting list."""
        return await self._run(
            context, "cancel_booking", {"number": number}, lambda _: {"cancelled": asdict(self.book.cancel(number))}
        )

    async def _run(
        self, context: Context, tool: str, arguments: dict[str, Any], work: Callable[[str], dict[str, Any]]
    ) -> dict[str, Any]:
        meta = context.request_context.meta or {}
        key = str(meta.get(KEY, ""))
        self.calls.append({"tool": tool, "arguments": arguments, "key": key})
        fault = self._script.take(tool)
        # Names of guests are in no log.
        self._settings.log({"event": "desk_called", "tool": tool, "fault": fault and fault.action})
        if fault is not None and fault.action != "vanish":
            await asyncio.sleep(fault.after_ms / 1000)
            if fault.action == "error":
                raise RuntimeError("the desk has failed")
        try:
            made = work(key)
        except Refused as refusal:
            raise ToolError(str(refusal)) from None
        # The answer is late, and the booking is made: what a repetition must not do twice.
        if fault is not None and fault.action == "vanish":
            await asyncio.sleep(max(fault.after_ms, 60_000) / 1000)
        return made

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "about": ABOUT})

    async def _bookings(self, _: Request) -> Response:
        return JSONResponse([_shown(entry) for entry in self.book.entries.values()])

    async def _calls(self, _: Request) -> Response:
        return JSONResponse(list(self.calls))

    async def _faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.clear_faults()
            return Response(status_code=204)
        if request.method == "POST":
            try:
                self.fail(DeskFault.read(json.loads(await request.body())))
            except ValueError as error:
                return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse([asdict(fault) for fault in self._script.faults])


def _shown(entry: Entry) -> dict[str, Any]:
    return asdict(entry)
