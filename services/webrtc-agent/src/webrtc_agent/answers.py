"""How errors are told to a page: Pipecat's clients show ``info``, or else ``detail``."""

from http import HTTPStatus
from math import ceil

import structlog
from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from agent_core.errors import AgentError, AtCapacity, Draining, Forbidden, OverBudget, UpstreamError
from webrtc_agent.limits import TooOften

log = structlog.get_logger()

RETRY_SECONDS = 5
"""When a client may try again after a 503 that says nothing better."""

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
    log.warning("request_refused", path=_route(request), status=int(error.http_status), error=error.reason)
    return _answer(error.http_status, told(error), _retry_after(error))


async def answer_http_error(request: Request, error: Exception) -> JSONResponse:
    """Answer a request for something that is not there."""
    del request
    assert isinstance(error, HTTPException)  # noqa: S101 - that is what it is registered for
    return _answer(error.status_code, f"{HTTPStatus(error.status_code).phrase}.", dict(error.headers or {}))


async def answer_defect(request: Request, error: Exception) -> JSONResponse:
    """Answer when we have a defect. The trace goes to the log, never to the client."""
    del error  # the server logs it
    log.error("request_failed", path=_route(request))
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, AgentError.spoken, {})


def _answer(status: int, sentence: str, headers: dict[str, str]) -> JSONResponse:
    return JSONResponse({"error": sentence, "info": sentence, "detail": sentence}, status_code=status, headers=headers)


def _retry_after(error: AgentError) -> dict[str, str]:
    if isinstance(error, TooOften):
        return {"Retry-After": str(error.retry_after)}
    if error.http_status != HTTPStatus.SERVICE_UNAVAILABLE:
        return {}
    seconds = getattr(error, "retry_after", None)
    return {"Retry-After": str(RETRY_SECONDS if seconds is None else max(1, ceil(seconds)))}


def _route(request: Request) -> str:
    """Give the route's pattern: the path itself may hold a session's id, and anything a stranger typed."""
    route = request.scope.get("route")
    return getattr(route, "path", "unknown")
