"""Render errors as a small page for a person who opened a URL in a browser; programs get JSON."""

from html import escape
from http import HTTPStatus

from starlette.requests import Request

from agent_core.sentence import Sentence
from agent_core.sentences import Sentences
from agent_core.web import READ

_TITLES = {
    HTTPStatus.NOT_FOUND: Sentence.TITLE_NO_PAGE,
    HTTPStatus.METHOD_NOT_ALLOWED: Sentence.TITLE_NO_PAGE,
    HTTPStatus.GONE: Sentence.TITLE_OVER,
    HTTPStatus.TOO_MANY_REQUESTS: Sentence.TITLE_WAIT,
    HTTPStatus.SERVICE_UNAVAILABLE: Sentence.TITLE_UNAVAILABLE,
}
_PAGE = """<!doctype html>
<html lang="{language}">
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
<p><a href="/">{start_page}</a></p>
</main>
</body>
</html>
"""


def wants_page(request: Request) -> bool:
    """Return whether a person sees the response: browsers request HTML when a URL is opened, scripts do not."""
    return request.method in READ and "text/html" in request.headers.get("accept", "")


def render(status: int, sentence: str, sentences: Sentences) -> str:
    """Return the page.

    Args:
        status: The response's status.
        sentence: What a program would get.
        sentences: In the visitor's language.
    """
    title = sentences[_TITLES.get(HTTPStatus(status), Sentence.TITLE_ERROR)]
    # The sentence may quote the request; the others may contain what HTML reads as markup too.
    return _PAGE.format(
        title=escape(title),
        sentence=escape(sentence),
        language=sentences.language,
        start_page=escape(sentences[Sentence.START_PAGE]),
    )
