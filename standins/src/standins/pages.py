"""Rejects requests from web pages. A browser lets any page send requests and open WebSockets to this machine.

The user does not notice, and may pay: with a real model, a page could start calls from a simulated phone. Programs send
neither of the two headers below; typing a URL into a browser sends `Sec-Fetch-Site: none`.
"""

from typing import Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_REFUSAL: Final = {"message": "Requests from web pages are rejected: this port is for programs on this machine."}


class ProgramsOnly:
    """Middleware that rejects requests from web pages, which the browser names in the request's headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with 403, which also rejects a WebSocket handshake, or pass the request on."""
        if scope["type"] not in ("http", "websocket") or not _is_from_a_page(Headers(scope=scope)):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await JSONResponse(_REFUSAL, 403)(scope, receive, send)


def _is_from_a_page(headers: Headers) -> bool:
    return "origin" in headers or headers.get("sec-fetch-site", "none") != "none"
