"""The control server: health, counts, sessions, faults and the clock, as JSON over HTTP/1.1."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from pydantic import BaseModel, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from standins.nova.faults import Fault
from standins.nova.stream import House

STOP_DEADLINE = 5.0


class ClockOrder(BaseModel):
    """How fast the clock of the limits is to run."""

    scale: float = Field(gt=0, le=10_000)


def control_app(house: House) -> Starlette:
    """Make the application over a running stand-in."""

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok", "standin": "nova", "brain": house.brain.description})

    async def stats(_: Request) -> Response:
        return JSONResponse(house.ledger.stats())

    async def sessions(_: Request) -> Response:
        return JSONResponse([record.as_json() for record in house.ledger.sessions.values()])

    async def session(request: Request) -> Response:
        record = house.ledger.sessions.get(request.path_params["session_id"])
        if record is None:
            return JSONResponse({"message": "no such session"}, 404)
        return JSONResponse(record.as_json())

    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            house.faults.clear()
        if request.method == "POST":
            house.faults.add(Fault.model_validate_json(await request.body()))
        return JSONResponse([fault.model_dump() for fault in house.faults.pending()])

    async def clock(request: Request) -> Response:
        if request.method == "POST":
            house.clock.run_at(ClockOrder.model_validate_json(await request.body()).scale)
        return JSONResponse({"scale": house.clock.scale})

    async def invalid(_: Request, error: Exception) -> Response:
        return JSONResponse({"message": str(error)}, 400)

    routes = [
        Route("/health", health),
        Route("/stats", stats),
        Route("/sessions", sessions),
        Route("/sessions/{session_id}", session),
        Route("/faults", faults, methods=["GET", "POST", "DELETE"]),
        Route("/clock", clock, methods=["GET", "POST"]),
    ]
    return Starlette(routes=routes, exception_handlers={ValidationError: invalid})


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs the loop."""
        yield


class ControlServer:
    """Serves the control application on a socket of ours."""

    def __init__(self, house: House) -> None:
        config = uvicorn.Config(control_app(house), log_config=None, access_log=False, lifespan="off")
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes a free one."""
        listener = socket.create_server((host, port))
        self.port = listener.getsockname()[1]
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))

    async def aclose(self) -> None:
        """Stop listening."""
        if self._task is None:
            return
        self._server.should_exit = True
        self._server.force_exit = True
        await asyncio.wait_for(self._task, STOP_DEADLINE)
