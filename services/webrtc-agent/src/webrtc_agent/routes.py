"""Serve the routes that Pipecat's clients use: web, React Native, iOS, Android."""

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from agent_core.errors import Forbidden
from agent_core.web import READ
from webrtc_agent.errors import NotOffered
from webrtc_agent.queue_turns import Asking
from webrtc_agent.request_schemas import read_call_me, read_candidates, read_leave, read_offer, read_rating, read_start
from webrtc_agent.returning import ConversationPart
from webrtc_agent.rooms import DailyRoom
from webrtc_agent.session_registry import State, WebSession
from webrtc_agent.start import StartChoice
from webrtc_agent.web_service import WebService

log = structlog.get_logger()
router = APIRouter()

SESSION_ID = "X-Session-Id"
"""Header of a start's response: the id for `/status/{session_id}`, when the body has no field for it."""

type Json = dict[str, Any]


@router.api_route("/status", methods=[*READ])
async def status(request: Request) -> Json:
    """Return how a page can connect."""
    return {"status": "ready", "transports": _lobby(request).transports}


@router.api_route("/status/{session_id}", methods=[*READ])
async def session_status(request: Request, session_id: str) -> Json:
    """Return whether a session is running; one that waits for its client counts as running."""
    web_session = _lobby(request).registry.find(session_id)
    return {"bot_id": session_id, "status": "finished" if web_session.state is State.FINISHED else "running"}


@router.post("/start")
async def start(request: Request) -> JSONResponse:
    """Start a session in the format of Pipecat's current clients."""
    return await _start(request, legacy=False)


@router.post("/connect")
async def connect(request: Request) -> JSONResponse:
    """Start a session in the format of Pipecat's older clients: Daily's, and peer-to-peer ones before 1.7."""
    return await _start(request, legacy=True)


@router.api_route("/notice", methods=[*READ])
async def notice(request: Request) -> JSONResponse:
    """Return the notice: what a visitor talks to, who operates it, and what happens to their words."""
    return JSONResponse(
        (await _lobby(request).notice(request.query_params.get("agent"))).shown, headers={"Cache-Control": "no-cache"}
    )


@router.post("/call-me", status_code=HTTPStatus.ACCEPTED)
async def call_me(request: Request) -> Json:
    """Call a visitor who typed their number; the response comes before the phone rings."""
    web_service = _lobby(request)
    web_service.origins.check_own(request.headers.get("origin"))
    wanted = await read_call_me(request)
    await web_service.call_visitor(_address(request), wanted)
    return {"status": "calling"}


@router.post("/leave-queue", status_code=HTTPStatus.NO_CONTENT)
async def leave_queue(request: Request) -> None:
    """Remove a visitor from the queue who no longer waits."""
    _checked(request).turns.leave(await read_leave(request))


@router.post("/sessions/{session_id}/rating", status_code=HTTPStatus.NO_CONTENT)
async def rate(request: Request, session_id: str) -> None:
    """Take a visitor's rating of a conversation, and a comment."""
    web_service = _checked(request)
    await web_service.rate(session_id, await read_rating(request))


@router.get("/room")
async def room(request: Request) -> Response:
    """Start a session and redirect the browser to Daily's own page for it."""
    web_service = _lobby(request)
    if web_service.rooms is None:
        raise NotOffered("daily")
    if request.headers.get("sec-fetch-site") == "cross-site" and request.headers.get("sec-fetch-dest") != "document":
        raise Forbidden("another_origin")  # for example an image on another page; a link to here is fine
    query = request.query_params
    start = StartChoice(consent=query.get("consent"), agent=query.get("agent"))
    _, opened = await web_service.open_room(web_service.rooms, _address(request), start)
    return RedirectResponse(f"{opened.url}?t={opened.visitor_token}", status_code=HTTPStatus.SEE_OTHER)


@router.post("/sessions/{session_id}/api/offer")
async def session_offer(request: Request, session_id: str) -> JSONResponse:
    """Answer the offer of a started session."""
    web_service = _checked(request)
    offer = await read_offer(request)
    return _json(await web_service.answer(web_service.registry.find(session_id), offer))


@router.patch("/sessions/{session_id}/api/offer")
async def session_candidates(request: Request, session_id: str) -> JSONResponse:
    """Add network addresses of a session's client."""
    web_service = _checked(request)
    body = await read_candidates(request)
    await web_service.add_candidates(web_service.registry.find(session_id), body.pc_id, body.candidates)
    return _json({"status": "success"})


@router.post("/api/offer")
async def offer(request: Request) -> JSONResponse:
    """Answer an offer; one without a known connection starts a session."""
    web_service = _checked(request)
    body = await read_offer(request)
    if body.pc_id is not None:
        return _json(await web_service.answer(web_service.of_connection(body.pc_id), body))
    if web_service.rooms is not None:
        raise NotOffered("webrtc")
    web_session, answer = await web_service.answer_new(_address(request), body)
    log.info("session_created", web_session_id=web_session.log_id, transport="webrtc")
    return _json({**answer, "sessionId": web_session.web_session_id})


@router.patch("/api/offer")
async def candidates(request: Request) -> JSONResponse:
    """Add network addresses of a connection's client."""
    web_service = _checked(request)
    body = await read_candidates(request)
    await web_service.add_candidates(web_service.of_connection(body.pc_id), body.pc_id, body.candidates)
    return _json({"status": "success"})


async def _start(request: Request, *, legacy: bool) -> JSONResponse:
    web_service = _checked(request)
    wanted = await read_start(request)
    transport = wanted.transport or ("daily" if wanted.create_daily_room else web_service.transports[0])
    # Checked before anything is counted: the client cannot use another transport.
    if transport not in web_service.transports:
        raise NotOffered("transport")  # without the name, which is untrusted text
    asking = None if wanted.queue is None else Asking(wanted.queue.ticket, request.is_disconnected)
    resume = None if legacy else wanted.resume
    begin = StartChoice(wanted.details, wanted.region, wanted.consent, asking, resume, wanted.chosen_agent)
    if web_service.rooms is None:
        web_session = await web_service.expect(_address(request), begin)
        answer = _offer_address(request, web_session) if legacy else _session(web_service, web_session)
    else:
        web_session, opened = await web_service.open_room(web_service.rooms, _address(request), begin)
        answer = _daily(opened, legacy=legacy)
    if wanted.text_only:
        web_session.use_text_only()
    if web_session.part is not None:
        answer["resume"] = _resume(web_service, web_session.part)
    log.info("session_created", web_session_id=web_session.log_id, transport=transport)
    return JSONResponse(answer, headers={SESSION_ID: web_session.web_session_id})


def _session(web_service: WebService, web_session: WebSession) -> Json:
    # Always present, even if empty: without it the Android client uses a server of Google's.
    servers = [server.for_clients() for server in web_service.settings.ice_servers]
    return {"sessionId": web_session.web_session_id, "iceConfig": {"iceServers": servers}}


def _offer_address(request: Request, web_session: WebSession) -> Json:
    """Return a single key: the transports 1.2 and 1.3 reject any other, and those before 1.7 ignore ``sessionId``."""
    base = _lobby(request).origins.address(request.headers.get("origin"))
    return {"webrtcUrl": f"{base}/sessions/{web_session.web_session_id}/api/offer"}


def _daily(opened: DailyRoom, *, legacy: bool) -> Json:
    names = ("room_url", "token") if legacy else ("dailyRoom", "dailyToken")
    # Nothing else: clients pass the whole response to Daily's library, which up to 0.83 rejects unknown names.
    return dict(zip(names, (opened.url, opened.visitor_token), strict=True))


def _resume(web_service: WebService, part: ConversationPart) -> Json:
    """Return how a page can resume, and for how long it may retry; after a resumption also what was said."""
    said = [] if part.is_new else [[role.value, words] for role, words in part.history]
    return {
        "token": str(part.token),
        "seconds": web_service.returns.seconds,
        "resumed": not part.is_new,
        "history": said,
    }


def _lobby(request: Request) -> WebService:
    web_service: WebService = request.app.state.web_service
    return web_service


def _checked(request: Request) -> WebService:
    """Return the web service to a client that may change its state.

    Raises:
        Forbidden: the request comes from a page of another site.
    """
    web_service = _lobby(request)
    web_service.origins.check(request.headers.get("origin"))
    return web_service


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _json(answer: Json) -> JSONResponse:
    return JSONResponse(answer)
