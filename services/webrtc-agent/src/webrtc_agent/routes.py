"""The routes that Pipecat's clients know, for any of them: web, React Native, iOS, Android."""

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from agent_core.errors import Forbidden
from agent_core.web import READ
from webrtc_agent.errors import NotOffered
from webrtc_agent.queue_turns import Asking
from webrtc_agent.request_schemas import read_candidates, read_leave, read_offer, read_start
from webrtc_agent.returning import ConversationPart
from webrtc_agent.rooms import DailyRoom
from webrtc_agent.session_registry import State, WebSession
from webrtc_agent.start import StartChoice
from webrtc_agent.web_service import WebService

log = structlog.get_logger()
router = APIRouter()

SESSION_ID = "X-Session-Id"
"""Header of a start's answer; what `/status/{session_id}` asks for, where the answer itself has no place for it."""

type Json = dict[str, Any]


@router.api_route("/status", methods=[*READ])
async def status(request: Request) -> Json:
    """Tell a page how to connect."""
    return {"status": "ready", "transports": _lobby(request).transports}


@router.api_route("/status/{session_id}", methods=[*READ])
async def session_status(request: Request, session_id: str) -> Json:
    """Tell whether a session goes on; one that waits for its client counts as running."""
    visit = _lobby(request).visits.find(session_id)
    return {"bot_id": session_id, "status": "finished" if visit.state is State.FINISHED else "running"}


@router.post("/start")
async def start(request: Request) -> JSONResponse:
    """Start a session in the shape of Pipecat's current clients."""
    return await _start(request, legacy=False)


@router.post("/connect")
async def connect(request: Request) -> JSONResponse:
    """Start a session in the shape of Pipecat's older clients: of Daily's, and peer to peer of those before 1.7."""
    return await _start(request, legacy=True)


@router.api_route("/notice", methods=[*READ])
async def notice(request: Request) -> JSONResponse:
    """Tell a visitor what they talk with, who runs it, and what happens to their words."""
    return JSONResponse(_lobby(request).notice.shown, headers={"Cache-Control": "no-cache"})


@router.post("/leave-queue", status_code=HTTPStatus.NO_CONTENT)
async def leave_queue(request: Request) -> None:
    """Take a visitor out of the queue who waits no longer."""
    _checked(request).turns.leave(await read_leave(request))


@router.get("/room")
async def room(request: Request) -> Response:
    """Start a session and send the browser to Daily's own page for it."""
    lobby = _lobby(request)
    if lobby.rooms is None:
        raise NotOffered("daily")
    if request.headers.get("sec-fetch-site") == "cross-site" and request.headers.get("sec-fetch-dest") != "document":
        raise Forbidden("another_origin")  # an image of another page, say; a link to here is fine
    start = StartChoice(consent=request.query_params.get("consent"))
    _, opened = await lobby.open_room(lobby.rooms, _address(request), start)
    return RedirectResponse(f"{opened.url}?t={opened.visitor_token}", status_code=HTTPStatus.SEE_OTHER)


@router.post("/sessions/{session_id}/api/offer")
async def session_offer(request: Request, session_id: str) -> JSONResponse:
    """Answer the offer of a session that was started."""
    lobby = _checked(request)
    offer = await read_offer(request)
    return _json(await lobby.answer(lobby.visits.find(session_id), offer))


@router.patch("/sessions/{session_id}/api/offer")
async def session_candidates(request: Request, session_id: str) -> JSONResponse:
    """Take network addresses of a session's client."""
    lobby = _checked(request)
    body = await read_candidates(request)
    await lobby.add_candidates(lobby.visits.find(session_id), body.pc_id, body.candidates)
    return _json({"status": "success"})


@router.post("/api/offer")
async def offer(request: Request) -> JSONResponse:
    """Answer an offer; one without a known connection starts a session."""
    lobby = _checked(request)
    body = await read_offer(request)
    if body.pc_id is not None:
        return _json(await lobby.answer(lobby.of_connection(body.pc_id), body))
    if lobby.rooms is not None:
        raise NotOffered("webrtc")
    visit, answer = await lobby.answer_new(_address(request), body)
    log.info("visit_began", visit_id=visit.log_id, transport="webrtc")
    return _json({**answer, "sessionId": visit.visit_id})


@router.patch("/api/offer")
async def candidates(request: Request) -> JSONResponse:
    """Take network addresses of a connection's client."""
    lobby = _checked(request)
    body = await read_candidates(request)
    await lobby.add_candidates(lobby.of_connection(body.pc_id), body.pc_id, body.candidates)
    return _json({"status": "success"})


async def _start(request: Request, *, legacy: bool) -> JSONResponse:
    lobby = _checked(request)
    wanted = await read_start(request)
    transport = wanted.transport or ("daily" if wanted.create_daily_room else lobby.transports[0])
    if transport not in lobby.transports:
        raise NotOffered("transport")  # not its name, which may be anything
    asking = None if wanted.queue is None else Asking(wanted.queue.ticket, request.is_disconnected)
    begin = StartChoice(wanted.details, wanted.region, wanted.consent, asking, None if legacy else wanted.resume)
    if lobby.rooms is None:
        visit = await lobby.expect(_address(request), begin)
        answer = _offer_address(request, visit) if legacy else _session(lobby, visit)
    else:
        visit, opened = await lobby.open_room(lobby.rooms, _address(request), begin)
        answer = _daily(opened, legacy=legacy)
    if wanted.text_only:
        visit.use_text_only()
    if visit.part is not None:
        answer["resume"] = _resume(lobby, visit.part)
    log.info("visit_began", visit_id=visit.log_id, transport=transport)
    return JSONResponse(answer, headers={SESSION_ID: visit.visit_id})


def _session(lobby: WebService, visit: WebSession) -> Json:
    # Always there, also when empty: without it the Android client asks a server of Google's.
    servers = [server.for_clients() for server in lobby.settings.ice_servers]
    return {"sessionId": visit.visit_id, "iceConfig": {"iceServers": servers}}


def _offer_address(request: Request, visit: WebSession) -> Json:
    """Answer with one key: the transports 1.2 and 1.3 throw at any other, and those before 1.7 ignore ``sessionId``."""
    base = _lobby(request).origins.address(request.headers.get("origin"))
    return {"webrtcUrl": f"{base}/sessions/{visit.visit_id}/api/offer"}


def _daily(opened: DailyRoom, *, legacy: bool) -> Json:
    names = ("room_url", "token") if legacy else ("dailyRoom", "dailyToken")
    # Nothing else: clients hand the whole answer to Daily's library, which up to 0.83 throws at an unknown name.
    return dict(zip(names, (opened.url, opened.visitor_token), strict=True))


def _resume(lobby: WebService, part: ConversationPart) -> Json:
    """Tell a page that can come back how, and for how long it may try; one that has come back, what was said."""
    said = [] if part.is_new else [[role.value, words] for role, words in part.history]
    return {"token": str(part.token), "seconds": lobby.returns.seconds, "resumed": not part.is_new, "history": said}


def _lobby(request: Request) -> WebService:
    lobby: WebService = request.app.state.lobby
    return lobby


def _checked(request: Request) -> WebService:
    """Give the lobby to whoever may change something in it.

    Raises:
        Forbidden: a page of another site asks.
    """
    lobby = _lobby(request)
    lobby.origins.check(request.headers.get("origin"))
    return lobby


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _json(answer: Json) -> JSONResponse:
    return JSONResponse(answer)
