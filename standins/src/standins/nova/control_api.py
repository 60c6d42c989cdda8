"""The control API: JSON over HTTP/1.1.

GET    /health                  status and description
GET    /stats                   connections, and streams opened, open and refused
GET    /sessions[/session_id]   transcript and actions of each session; `session_id` is the `sessionId` of its events
GET    /faults                  fault scripts that can still apply
POST   /faults                  add a fault script, see `ModelFault`
DELETE /faults                  remove all fault scripts
GET    /clock                   speed of the clock that limits use
POST   /clock                   {"scale": 30}: eight minutes pass in sixteen seconds; speech keeps real time
GET    /limits, /pace           limits and delays of streams, see `Limits` and `Pace`
PATCH  /limits, /pace           {"history_messages": 100}: change some, for streams that open from now on
"""

from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import Literal

from pydantic import BaseModel, Field, TypeAdapter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from standins.nova.faults import ModelFault
from standins.nova.server_state import ServerState
from standins.nova.tuning import changed

_CHANGES = TypeAdapter(dict[str, object])

type Endpoint = Callable[[Request], Coroutine[None, None, Response]]


class ClockOrder(BaseModel):
    """The requested speed of the clock."""

    scale: float = Field(gt=0, le=10_000)


def control_app(server_state: ServerState) -> Starlette:
    """Return the control application of a running stand-in."""
    routes = [
        Route(
            "/health", _showing(lambda: {"status": "ok", "standin": "nova", "brain": server_state.backend.description})
        ),
        Route("/stats", _showing(server_state.ledger.stats)),
        Route("/sessions", _showing(lambda: [record.as_json() for record in server_state.ledger.sessions.values()])),
        Route("/sessions/{session_id}", _session(server_state)),
        Route("/faults", _faults(server_state), methods=["GET", "POST", "DELETE"]),
        Route("/clock", _clock(server_state), methods=["GET", "POST"]),
        Route("/limits", _rules(server_state, "limits"), methods=["GET", "PATCH"]),
        Route("/pace", _rules(server_state, "pace"), methods=["GET", "PATCH"]),
    ]
    return Starlette(routes=routes, exception_handlers={ValueError: _invalid})


def _showing(view: Callable[[], object]) -> Endpoint:
    async def show(_: Request) -> Response:
        return JSONResponse(view())

    return show


def _session(server_state: ServerState) -> Endpoint:
    async def session(request: Request) -> Response:
        record = server_state.ledger.sessions.get(request.path_params["session_id"])
        return JSONResponse(record.as_json()) if record else JSONResponse({"message": "no such session"}, 404)

    return session


def _faults(server_state: ServerState) -> Endpoint:
    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            server_state.faults.clear()
        if request.method == "POST":
            server_state.faults.add(ModelFault.model_validate_json(await request.body()))
        return JSONResponse([fault.model_dump() for fault in server_state.faults.pending()])

    return faults


def _clock(server_state: ServerState) -> Endpoint:
    async def clock(request: Request) -> Response:
        if request.method == "POST":
            server_state.clock.run_at(ClockOrder.model_validate_json(await request.body()).scale)
        return JSONResponse({"scale": server_state.clock.scale})

    return clock


def _rules(server_state: ServerState, group: Literal["limits", "pace"]) -> Endpoint:
    async def rules(request: Request) -> Response:
        if request.method == "PATCH":
            changes = _CHANGES.validate_json(await request.body())
            # Limits and paces are immutable: a stream keeps those that it opened with.
            setattr(server_state, group, changed(getattr(server_state, group), changes))
        return JSONResponse(asdict(getattr(server_state, group)))

    return rules


async def _invalid(_: Request, error: Exception) -> Response:
    return JSONResponse({"message": str(error)}, 400)
