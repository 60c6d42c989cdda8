"""Serve each agent's page: files that a build has put into this package's ``static`` folder, with its description."""

from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from agent_core.agents.agent import Agent
from agent_core.agents.catalogue import AgentCatalogue, UnknownAgent
from agent_core.web import READ
from webrtc_agent import agent_page, offline
from webrtc_agent.agent_page import no_such_agent
from webrtc_agent.files import File, FileResponse, Files

STATIC = Path(__file__).parent / "static"

_CONSOLE = "console"
"""Prefix of the developers' page and of its own scripts and styles."""
_FIXED = ("plain.css", "recover.js")
"""Files whose names are the same in every build."""
_ICONS = ("favicon.svg", "maskable.svg")
_ASK_AGAIN = "no-cache"
_FOR_EVER = "public, max-age=31536000, immutable"
"""For files whose names contain a hash of their content."""
type _Answer = Callable[[Request], Awaitable[Response]]

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


def install(
    app: FastAPI, agents: AgentCatalogue, folder: Path = STATIC, *, console: bool, phone: str | None = None
) -> None:
    """Serve the pages, or explain how to build them.

    Args:
        app: Gets the routes.
        agents: Have a page each. A changed folder is a changed page at the next request.
        folder: Contains the build.
        console: Whether the developers' page is served, too.
        phone: The operator's number, for visitors who cannot reach the service.
    """
    pages = _Pages(agents, folder, console=console)
    at_path: _Answer = partial(pages.page, "index.html", pages.at_path)
    routes = {"/": at_path, "/a/{agent}": at_path}
    routes |= {f"/{name}": partial(pages.fixed, name) for name in _FIXED}
    routes |= {f"/{name}": partial(pages.icon, name) for name in _ICONS}
    routes |= {"/manifest.webmanifest": pages.manifest, "/assets/{name}": pages.asset}
    if console:
        routes["/console"] = partial(pages.page, "console.html", pages.chosen)
    for path, answer in routes.items():
        app.add_route(path, answer, methods=[*READ])
    offline.install(app, agents, folder, phone)


class _Pages:
    """The routes' answers; see `install`."""

    def __init__(self, agents: AgentCatalogue, folder: Path, *, console: bool) -> None:
        self._agents = agents
        self._pages, self._assets = Files(folder), Files(folder / "assets")
        self._console = console

    async def at_path(self, request: Request) -> Agent:
        """Return the agent whose page is requested."""
        return await self._find(lambda agents: agents.for_page(request.url.path))

    async def chosen(self, request: Request) -> Agent:
        """Return the agent that a query names, or the default one."""
        return await self._find(lambda agents: agents.named(request.query_params.get("agent", "")))

    async def _find(self, find: Callable[[AgentCatalogue], Agent]) -> Agent:
        agents = await self._agents.refreshed()
        try:
            return find(agents)
        except UnknownAgent:
            raise HTTPException(HTTPStatus.NOT_FOUND, no_such_agent(agents)) from None

    async def page(self, name: str, choose: Callable[[Request], Awaitable[Agent]], request: Request) -> Response:
        """Answer with a page that describes its agent."""
        agent = await choose(request)
        file = self._pages.find(name)
        if file is None:
            return HTMLResponse(_NOT_BUILT, status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        described = agent_page.describe_in(file, agent, speaks=not name.startswith(_CONSOLE))
        return FileResponse(described, request, _ASK_AGAIN)

    async def fixed(self, name: str, request: Request) -> Response:
        """Answer with a file that is the same for all agents."""
        return FileResponse(_existing(self._pages.find(name)), request, _ASK_AGAIN)

    async def icon(self, name: str, request: Request) -> Response:
        """Answer with an icon in an agent's colour."""
        file = _existing(self._pages.find(name))
        content = agent_page.tint(file.bodies["identity"], await self.chosen(request))
        return Response(content, media_type=file.media_type, headers={"Cache-Control": _ASK_AGAIN})

    async def manifest(self, request: Request) -> Response:
        """Answer with the web app manifest of an agent's page."""
        content = agent_page.manifest(await self.chosen(request))
        return JSONResponse(content, media_type="application/manifest+json", headers={"Cache-Control": _ASK_AGAIN})

    async def asset(self, request: Request) -> Response:
        """Answer with a file whose name has a hash of its content."""
        name = request.path_params["name"]
        # Without the console, its assets are not served either.
        hidden = not self._console and name.startswith(_CONSOLE)
        return FileResponse(_existing(None if hidden else self._assets.find(name)), request, _FOR_EVER)


def _existing(file: File | None) -> File:
    if file is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return file
