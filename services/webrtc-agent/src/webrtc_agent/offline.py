"""Serve the page that a browser shows while this service cannot be reached, and the service worker that keeps it.

The worker's text names a digest of what it keeps, so that a browser installs it again after a deployment that changes
any of it: the page with the default agent's title, its style, or the operator's telephone number.
"""

from hashlib import sha256
from html import escape
from http import HTTPStatus
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from agent_core.agents.catalogue import AgentCatalogue
from agent_core.sentence import Sentence
from agent_core.sentences import Sentences
from agent_core.web import READ
from webrtc_agent import agent_page
from webrtc_agent.files import Files

WORKER: Final = "worker.js"
_VERSION: Final = b"version-of-the-files"
"""What the build has in the place of the digest."""
_KEPT: Final = ("plain.css", "favicon.svg")
"""What the worker keeps besides the page, from the build."""
_HEADERS: Final = {"Cache-Control": "no-cache"}
_PHONE: Final = '<p><a href="tel:{number}">{text}</a></p>'
# An empty address is the one of the page that could not be reached, which may be another agent's.
_PAGE: Final = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{heading} · {title}</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/plain.css">
</head>
<body>
<main>
<p class="title">{title}</p>
<h1>{heading}</h1>
<p>{text}</p>
<p><a href="">{retry}</a></p>
{phone}</main>
</body>
</html>
"""


def render(title: str, phone: str | None, sentences: Sentences) -> str:
    """Return the page.

    Args:
        title: Of the default agent's page.
        phone: The operator's number, `+` and digits.
        sentences: In the visitor's language.
    """
    call = ""
    if phone is not None:
        text = escape(sentences.say(Sentence.OFFLINE_PHONE, number=phone))
        call = f"{_PHONE.format(number=escape(phone), text=text)}\n"
    return _PAGE.format(
        language=sentences.language,
        title=escape(title),
        heading=escape(sentences[Sentence.OFFLINE_TITLE]),
        text=escape(sentences[Sentence.OFFLINE_TEXT]),
        retry=escape(sentences[Sentence.OFFLINE_RETRY]),
        phone=call,
    )


def install(app: FastAPI, agents: AgentCatalogue, folder: Path, phone: str | None) -> None:
    """Serve the offline page, and the worker.

    Args:
        app: Gets the routes.
        agents: The default one gives the page its title and its language.
        folder: Contains the build.
        phone: The operator's number, if the page offers one.
    """
    files = Files(folder)

    def rendered() -> str:
        return render(agent_page.title(agents.default), phone, agents.default.sentences)

    async def offline(request: Request) -> Response:
        del request
        return HTMLResponse(rendered(), headers=_HEADERS)

    async def worker(request: Request) -> Response:
        del request
        file = files.find(WORKER)
        if file is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        kept = [found.tag for name in _KEPT if (found := files.find(name)) is not None]
        version = sha256("\n".join([rendered(), *kept]).encode()).hexdigest()[:20]
        # 3 KB, requested once a page load: not worth a compressed copy of each version.
        content = file.bodies["identity"].replace(_VERSION, version.encode())
        return Response(content, media_type=file.media_type, headers=_HEADERS)

    app.add_route("/offline", offline, methods=[*READ])
    app.add_route(f"/{WORKER}", worker, methods=[*READ])
