"""Serve the page: files that a build has put into this package's ``static`` folder."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from agent_core.web import READ
from webrtc_agent import offline
from webrtc_agent.files import FileResponse, Files

STATIC = Path(__file__).parent / "static"

_CONSOLE = "console"
"""Prefix of the developers' page and of its own scripts and styles."""
_FIXED = ("favicon.svg", "maskable.svg", "manifest.webmanifest", "plain.css", "recover.js")
"""Files whose names are the same in every build."""
_ASK_AGAIN = "no-cache"
_FOR_EVER = "public, max-age=31536000, immutable"
"""For files whose names contain a hash of their content."""
_NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>The page is not built</title>
<h1>The page is not built</h1>
<p>The service runs, but this checkout does not hold its page yet. To build it, run in the project's folder:</p>
<pre>make page</pre>
<p>Then reload. Pipecat's clients can connect meanwhile, at <code>/start</code>.</p>
</html>
"""


def install(app: FastAPI, folder: Path = STATIC, *, console: bool, phone: str | None = None) -> None:
    """Serve the page, or explain how to build it.

    Args:
        app: Gets the routes.
        folder: Contains the build.
        console: Whether the developers' page is served, too.
        phone: The operator's number, for visitors who cannot reach the service.
    """
    pages, assets = Files(folder), Files(folder / "assets")

    def page(name: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            file = pages.find(name)
            if file is None:
                return HTMLResponse(_NOT_BUILT, status_code=HTTPStatus.SERVICE_UNAVAILABLE)
            return FileResponse(file, request, _ASK_AGAIN)

        return answer

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        # Without the console, its assets are not served either.
        file = assets.find(name) if console or not name.startswith(_CONSOLE) else None
        if file is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return FileResponse(file, request, _FOR_EVER)

    routes = {"/": page("index.html"), "/assets/{name}": asset}
    routes |= {f"/{name}": page(name) for name in _FIXED}
    if console:
        routes["/console"] = page("console.html")
    for path, answer in routes.items():
        app.add_route(path, answer, methods=[*READ])
    offline.install(app, folder, phone)
