"""Render errors as a small page for a person who opened a URL in a browser; programs get JSON."""

from html import escape
from http import HTTPStatus

from starlette.requests import Request

from agent_core.web import READ

_TITLES = {
    HTTPStatus.NOT_FOUND: "There is no page at this address",
    HTTPStatus.METHOD_NOT_ALLOWED: "There is no page at this address",
    HTTPStatus.GONE: "This conversation is over",
    HTTPStatus.TOO_MANY_REQUESTS: "Please wait a moment",
    HTTPStatus.SERVICE_UNAVAILABLE: "The service is not available right now",
}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/plain.css">
</head>
<body>
<main>
<h1>{title}</h1>
<p>{sentence}</p>
<p><a href="/">Go to the start page</a></p>
</main>
</body>
</html>
"""


def wants_page(request: Request) -> bool:
    """Return whether a person sees the response: browsers request HTML when a URL is opened, scripts do not."""
    return request.method in READ and "text/html" in request.headers.get("accept", "")


def render(status: int, sentence: str) -> str:
    """Return the page.

    Args:
        status: The response's status.
        sentence: What a program would get.
    """
    title = _TITLES.get(HTTPStatus(status), "Something went wrong")
    # The sentence may quote the request.
    return _PAGE.format(title=title, sentence=escape(sentence))
