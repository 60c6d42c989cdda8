"""How errors are told to a page: Pipecat's clients show ``info``, or else ``detail``."""

from http import HTTPStatus
from math import ceil

import structlog
from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from agent_core import causes
from agent_core.errors import AgentError, AtCapacity, Draining, Forbidden, OverBudget, UpstreamError
from agent_core.web import RETRY_SECONDS, retry_after

log = structlog.get_logger()

_BUSY = (AtCapacity, Draining, OverBudget)
"""The service has no place: a page says so, where the same status may also mean that its network asked too often."""

_TOLD = {
    AtCapacity: "All our lines are busy. Please try again in a few minutes.",
    Draining: "We are just changing shifts. Please try again in a minute.",
    OverBudget: "We have reached our limit for today. Please try again tomorrow.",
    Forbidden: "A page of another site may not start sessions here.",
    UpstreamError: "A service that we need cannot be reached right now. Please try again in a moment.",
}


def told(error: AgentError) -> str:
    """Put an error into a sentence for a visitor."""
    for kind, sentence in _TOLD.items():
        if isinstance(error, kind):
            return sentence
    return error.spoken


async def answer_error(request: Request, error: Exception) -> JSONResponse:
    """Answer a request that was refused, or failed at a service we depend on."""
    assert isinstance(error, AgentError)  # noqa: S101 - that is what it is registered for
    request.app.state.agent.counting.failed(error)
    why = causes.fields(error) if isinstance(error, UpstreamError) else {}
    log.warning("request_refused", path=_route(request), status=int(error.http_status), error=error.reason, **why)
    return _answer(error.http_status, told(error), _retry_after(error), busy=isinstance(error, _BUSY))


async def answer_http_error(request: Request, error: Exception) -> JSONResponse:
    """Answer a request for something that is not there."""
    del request
    assert isinstance(error, HTTPException)  # noqa: S101 - that is what it is registered for
    return _answer(error.status_code, f"{HTTPStatus(error.status_code).phrase}.", dict(error.headers or {}))


def _answer(status: int, sentence: str, headers: dict[str, str], *, busy: bool = False) -> JSONResponse:
    body = {"error": sentence, "info": sentence, "detail": sentence} | ({"busy": True} if busy else {})
    return JSONResponse(body, status_code=status, headers=headers)


def _retry_after(error: AgentError) -> dict[str, str]:
    seconds = getattr(error, "retry_after", None)
    return retry_after(error.http_status, RETRY_SECONDS if seconds is None else max(1, ceil(seconds)))


def _route(request: Request) -> str:
    """Give the route's pattern: the path itself may hold a session's id, and anything a stranger typed."""
    route = request.scope.get("route")
    return getattr(route, "path", "unknown")
