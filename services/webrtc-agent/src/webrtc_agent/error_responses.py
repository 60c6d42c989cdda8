"""Turn errors into responses for a page: Pipecat's clients show ``info``, or else ``detail``."""

from http import HTTPStatus
from math import ceil
from typing import Any

import structlog
from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from agent_core import causes
from agent_core.agents.catalogue import AgentCatalogue, UnknownAgent
from agent_core.errors import AgentError, AtCapacity, Draining, Forbidden, OverBudget, UpstreamError
from agent_core.sentence import Sentence
from agent_core.sentences import Sentences
from agent_core.web import RETRY_SECONDS, retry_after
from webrtc_agent.error_page import render, wants_page
from webrtc_agent.errors import CallNotPlaced, NoSuchAgent, NotAgreed, NumberRefused, TooManyCalls
from webrtc_agent.queue_turns import MustWait

log = structlog.get_logger()

_BUSY = (AtCapacity, Draining)
"""No slot is free: the page shows that, because the same status may also mean that its network sent too many requests.
"""

_FORBIDDEN = "A page of another site may not start sessions here."
"""For the developer of that page, so in English only."""
_SENTENCES = {
    OverBudget: Sentence.PAGE_OVER_BUDGET,
    Forbidden: _FORBIDDEN,
    UpstreamError: Sentence.PAGE_UNREACHABLE,
}


def sentence_of(error: AgentError, sentences: Sentences) -> str:
    """Return the sentence about an error for a visitor; a time in it equals ``Retry-After``."""
    # One sentence for every reason why no slot is free: the difference would not help a visitor.
    if isinstance(error, MustWait):
        return sentences.say(Sentence.PAGE_BUSY_QUEUE, position=error.position)
    if isinstance(error, _BUSY):
        return sentences.say(Sentence.PAGE_BUSY_SECONDS, seconds=_seconds(error))
    if isinstance(error, NumberRefused | TooManyCalls):
        return error.sentence(sentences)
    if isinstance(error, NoSuchAgent):  # for the developer of a client, so in English only
        return error.sentence
    spoken = error.spoken
    if not isinstance(error, CallNotPlaced):
        spoken = next((one for kind, one in _SENTENCES.items() if isinstance(error, kind)), spoken)
    return sentences.of_error(spoken)


def sentences_for(request: Request) -> Sentences:
    """Return the sentences for a visitor, in the language of the page's agent, or of the default one."""
    agents: AgentCatalogue = request.app.state.agent.agents
    wanted = getattr(request.state, "agent", None)
    try:
        agent = agents.for_page(request.url.path) if wanted is None else agents.named(wanted)
    except UnknownAgent:
        agent = agents.default
    return agent.sentences


async def answer_error(request: Request, error: Exception) -> Response:
    """Respond to a request that was refused, or that failed at a service we depend on."""
    assert isinstance(error, AgentError)  # noqa: S101 - it is registered for this type only
    more: dict[str, Any] = {}
    if isinstance(error, _BUSY):
        more["busy"] = True
    elif isinstance(error, OverBudget):
        more["closed"] = True
    elif isinstance(error, NotAgreed):
        more["consent"] = True
    if isinstance(error, MustWait):  # no log line for each request of each waiting visitor
        more["queue"] = error.shown
    else:
        request.app.state.agent.counting.failed(error)
        why = causes.fields(error) if isinstance(error, UpstreamError) else {}
        log.warning("request_refused", path=_route(request), status=int(error.http_status), error=error.reason, **why)
    return _answer(
        request,
        error.http_status,
        sentence_of(error, sentences_for(request)),
        retry_after(error.http_status, _seconds(error)),
        more,
    )


async def answer_http_error(request: Request, error: Exception) -> Response:
    """Respond to a request for something that does not exist."""
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for this type only
    return _answer(request, error.status_code, _sentence(error), dict(error.headers or {}))


def _sentence(error: HTTPException) -> str:
    """Return what the route says about it, or else the status in words; without a reason Starlette puts these there."""
    phrase = HTTPStatus(error.status_code).phrase
    return error.detail if error.detail not in ("", phrase) else f"{phrase}."


def _answer(
    request: Request, status: int, sentence: str, headers: dict[str, str], more: dict[str, Any] | None = None
) -> Response:
    # The same address serves HTML and JSON, so caches must tell them apart.
    headers = headers | {"Vary": "Accept"}
    if wants_page(request):
        page = render(status, sentence, sentences_for(request))
        return HTMLResponse(page, status_code=status, headers=headers)
    body = {"error": sentence, "info": sentence, "detail": sentence} | (more or {})
    return JSONResponse(body, status_code=status, headers=headers)


def _seconds(error: AgentError) -> int:
    seconds = getattr(error, "retry_after", None)
    return RETRY_SECONDS if seconds is None else max(1, ceil(seconds))


def _route(request: Request) -> str:
    """Return the route's pattern: the path itself may contain a session's id, or untrusted text."""
    route = request.scope.get("route")
    return getattr(route, "path", "unknown")
