"""Keep web pages out. A browser lets any page send requests and open WebSockets to this machine, unseen by its user.

What a stand-in does on order may be paid for: where the model is real and the telephone pretended, a handset's call is.
Programs send neither of the two headers below; a person who types an address in a browser sends `Sec-Fetch-Site: none`.
"""

from typing import Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_REFUSAL: Final = {"message": "Requests of web pages are refused: this port is for programs of this machine."}


class ProgramsOnly:
    """Lets an application see no request that a web page has made; the browser names the page in its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403, which before it is accepted is a WebSocket's answer too, or pass the request on."""
        if scope["type"] not in ("http", "websocket") or not _is_from_a_page(Headers(scope=scope)):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await JSONResponse(_REFUSAL, 403)(scope, receive, send)


def _is_from_a_page(headers: Headers) -> bool:
    return "origin" in headers or headers.get("sec-fetch-site", "none") != "none"
