"""What both web applications share: error answers, request ids and the health routes."""

import re
from typing import Any
from uuid import uuid4

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent_core.agent import Agent
from agent_core.errors import AgentError

log = structlog.get_logger()

_REQUEST_ID = re.compile(rb"[A-Za-z0-9=;-]{1,128}")


class RequestId:
    """Puts the load balancer's trace id, or a new one, into every log line and answer of a request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-amzn-trace-id", b"")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex.encode()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", request_id)]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id.decode()):
            await self._app(scope, receive, send_with_id)


def install(app: FastAPI, agent: Agent) -> None:
    """Give an application what both have in common."""
    app.state.agent = agent
    app.add_middleware(RequestId)
    app.add_exception_handler(AgentError, _answer_error)
    app.add_exception_handler(ClientDisconnect, _answer_nobody)

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Tell that the process lives; asks nobody, and says yes while draining, or live calls would be killed."""
        return {"status": "healthy"}

    @app.get("/ready")
    async def ready() -> JSONResponse:
        """Tell whether a new conversation may come."""
        state = readiness(agent)
        return JSONResponse(state, status_code=200 if state["status"] == "ready" else 503)


def readiness(agent: Agent) -> dict[str, Any]:
    """Describe what this task can take, each dependency by name."""
    admission = agent.admission
    status = "ready"
    if admission.draining:
        status = "draining"
    elif admission.is_over_budget:
        status = "over_budget"
    elif admission.is_full:
        status = "full"
    return {
        "status": status,
        "sessions": admission.taken,
        "max_sessions": admission.max_sessions,
        "dependencies": {"nova_sonic": agent.model_state},
    }


async def _answer_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AgentError)  # noqa: S101 - that is what it is registered for
    request.app.state.agent.counting.failed(error)
    # The route and not the path: a session's id in it lets a client in, and an unknown path is anybody's words.
    route = getattr(request.scope.get("route"), "path", "unknown")
    log.warning("request_refused", path=route, status=error.http_status, error=error.reason)
    headers = {"Retry-After": "5"} if error.http_status == 503 else None  # noqa: PLR2004 - the status itself
    return JSONResponse({"error": error.spoken}, status_code=error.http_status, headers=headers)


async def _answer_nobody(request: Request, error: Exception) -> Response:
    """Whoever left in the middle of a request hears no answer, and fills no log with a trace."""
    del request, error
    return Response(status_code=400)
