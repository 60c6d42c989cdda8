"""The page: files that a build has put into this package's ``static`` folder."""

from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

from agent_core.web import READ

STATIC = Path(__file__).parent / "static"

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


class _Assets(StaticFiles):
    """Files whose names hold a hash of what is in them, so that a browser need never ask again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        if answer.status_code == HTTPStatus.OK:
            answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return answer


def install(app: FastAPI, folder: Path = STATIC) -> None:
    """Serve the page and the console, or say how to build them."""

    @app.api_route("/", methods=[*READ])
    async def page() -> Response:
        """Give the visitor's page."""
        return _file(folder / "index.html")

    @app.api_route("/console", methods=[*READ])
    async def console() -> Response:
        """Give the developer's page."""
        return _file(folder / "console.html")

    @app.api_route("/favicon.svg", methods=[*READ])
    async def icon() -> Response:
        """Give the page's icon."""
        return _file(folder / "favicon.svg")

    app.mount("/assets", _Assets(directory=folder / "assets", check_dir=False))


def _file(path: Path) -> Response:
    if not path.is_file():
        return HTMLResponse(_NOT_BUILT, status_code=HTTPStatus.SERVICE_UNAVAILABLE)
    return FileResponse(path, headers={"Cache-Control": "no-cache"})
