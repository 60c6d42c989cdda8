"""Provide what both web applications share: error responses, request ids and the health routes."""

import re
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import structlog
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent_core import causes
from agent_core.agent_runtime import AgentRuntime
from agent_core.errors import AgentError, BodyTooLarge, UpstreamError
from agent_core.sentences import Sentences

log = structlog.get_logger()

RETRY_SECONDS = 5
"""When a client may retry after a refusal that does not say so itself."""
RETRIED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
"""Statuses that may be retried: no free slot, or a draining task."""
_READY = {"ready": HTTPStatus.OK, "draining": HTTPStatus.SERVICE_UNAVAILABLE}
READ = ("GET", "HEAD")
"""Methods of a read-only route. FastAPI adds no HEAD, which uptime monitors and link checkers send."""
_HEALTH = ("/health", "/ready")
_PORT = re.compile(r":\d{1,5}$")
_ADDRESS = re.compile(r"[\d.]+|\[[0-9a-f:.]+\]")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9=;-]{1,128}")


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body of a request, and stop reading when it is longer than `limit` bytes.

    Raises:
        BodyTooLarge: it is longer.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise BodyTooLarge("body")
    return bytes(body)


class RequestId:
    """Adds the load balancer's trace id, or a new one, to every log line and response of a request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        # Only a well-formed id is adopted: the header is the client's, and appears in our log.
        given = dict(scope["headers"]).get(b"x-amzn-trace-id", b"")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex.encode()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", request_id)]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id.decode()):
            # A WebSocket's messages have no headers, and a call sends fifty a second: they take no detour.
            await self._app(scope, receive, send_with_id if scope["type"] == "http" else send)


class KnownHosts:
    """Rejects requests for the name of another site, which only a rebound DNS name can send here.

    IP addresses and names without a dot are accepted: health checks and internal proxies use them.

    Args:
        app: The application.
        own: Our public host name.
    """

    def __init__(self, app: ASGIApp, own: str) -> None:
        self._app = app
        self._own = own.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket."""
        if scope["type"] in ("http", "websocket") and scope["path"] not in _HEALTH and not self._knows(scope):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close"})  # before accepting: the peer sees 403
            else:
                await Response(status_code=HTTPStatus.MISDIRECTED_REQUEST)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        given = dict(scope["headers"]).get(b"host", b"").decode("latin-1").lower()
        name = given.rpartition(":")[0] if _PORT.search(given) else given
        return name == self._own or "." not in name or _ADDRESS.fullmatch(name) is not None


def install(app: FastAPI, agent: AgentRuntime) -> None:
    """Install what both applications have in common."""
    app.state.agent = agent
    app.add_middleware(KnownHosts, own=urlsplit(agent.settings.base_url).hostname or "")
    app.add_middleware(RequestId)
    app.add_exception_handler(AgentError, _answer_error)
    app.add_exception_handler(ClientDisconnect, _answer_nobody)
    app.add_exception_handler(Exception, answer_defect)

    @app.api_route("/health", methods=[*READ])
    async def health() -> dict[str, str]:
        """Report that the process lives; also while draining, or the platform would kill live calls."""
        return {"status": "healthy"}

    @app.api_route("/ready", methods=[*READ])
    async def ready(request: Request) -> JSONResponse:
        """Report to a probe on the same network whether a new conversation may come; others get 404."""
        if not _is_beside_us(request):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        state = readiness(agent)
        status = _READY.get(state["status"], HTTPStatus.TOO_MANY_REQUESTS)
        return JSONResponse(state, status_code=status, headers=retry_after(status))


def _is_beside_us(request: Request) -> bool:
    """Return whether a request is a probe's: it comes from a private address, and not through a load balancer."""
    if request.client is None or "x-forwarded-for" in request.headers:
        return False
    try:
        return ip_address(request.client.host).is_private
    except ValueError:
        return False


def readiness(agent: AgentRuntime) -> dict[str, Any]:
    """Return what this task can accept, with the state of each dependency."""
    admission = agent.admission
    status = "ready"
    if admission.draining:
        status = "draining"
    elif admission.is_over_budget:
        status = "over_budget"
    elif admission.is_full:
        status = "full"
    elif admission.is_overloaded:
        status = "overloaded"
    return {
        "status": status,
        "sessions": admission.taken,
        "max_sessions": admission.max_sessions,
        "dependencies": {"nova_sonic": agent.model_state},
    }


async def _answer_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AgentError)  # noqa: S101 - it is registered for this type only
    request.app.state.agent.counting.failed(error)
    # The route and not the path: a session's id in it grants access, and an unknown path is untrusted text.
    route = getattr(request.scope.get("route"), "path", "unknown")
    why = causes.fields(error) if isinstance(error, UpstreamError) else {}
    log.warning("request_refused", path=route, status=error.http_status, error=error.reason, **why)
    # Programs read this, in English; the web service has its own handler, which answers in the visitor's language.
    sentence = Sentences.of().of_error(error.spoken)
    return JSONResponse({"error": sentence}, status_code=error.http_status, headers=retry_after(error.http_status))


async def answer_defect(request: Request, error: Exception) -> JSONResponse:
    """Respond to a defect of ours, and count it. The trace is logged, never sent to the client."""
    del error  # the server logs it
    request.app.state.agent.counting.broke()
    log.error("request_failed", path=getattr(request.scope.get("route"), "path", "unknown"))
    sentence = Sentences.of().of_error(AgentError.spoken)
    body = {"error": sentence, "info": sentence, "detail": sentence}  # fields in which clients look for a message
    return JSONResponse(body, status_code=HTTPStatus.INTERNAL_SERVER_ERROR)


def retry_after(status: int, seconds: int = RETRY_SECONDS) -> dict[str, str]:
    """Return the header that says when to retry, for a status that a retry may change."""
    return {"Retry-After": str(seconds)} if status in RETRIED else {}


async def _answer_nobody(request: Request, error: Exception) -> Response:
    """End the request of a client that has disconnected, without a trace in the log."""
    del request, error
    return Response(status_code=400)
