"""The phone service's routes: what Twilio asks, and the socket it opens."""

import re
from http import HTTPStatus
from typing import TypedDict
from urllib.parse import parse_qsl

import structlog
from fastapi import APIRouter, Request, Response, WebSocket, WebSocketDisconnect
from starlette.background import BackgroundTask
from starlette.requests import HTTPConnection

from agent_core import prompts
from agent_core.errors import AgentError, Forbidden, ProtocolError, Refused
from agent_core.opening import Opening
from phone_agent import twiml
from phone_agent.live_call import LiveCall, read_start
from phone_agent.media_stream import Start
from phone_agent.note import Note, NoteRefused
from phone_agent.phone import MAX_TRIES, Phone
from phone_agent.stream_guard import StreamGuard

log = structlog.get_logger()
router = APIRouter()

MAX_BODY_BYTES = 64 * 1024
"""Twilio's webhooks take about 1 KB."""
MAX_FIELDS = 200
"""Twilio sends about 30 and may add more at any time."""
_FORM = "application/x-www-form-urlencoded"
_PLACE_NAME = re.compile(r"[^A-Za-z ,.'-]")

type Fields = dict[str, str]


class BadRequest(ProtocolError):
    """The request is none that Twilio makes."""


class TooLarge(ProtocolError):
    """The body is larger than any that Twilio sends."""

    http_status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class NotAForm(ProtocolError):
    """The body is no form."""

    http_status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


@router.post("/incoming-call")
@router.get("/incoming-call")
async def incoming_call(request: Request) -> Response:
    """Answer a call: connect it to a media stream and open the model while Twilio dials in."""
    phone: Phone = request.app.state.phone
    fields = await signed_fields(request, phone)
    call_sid, account_sid = _sids(fields, phone)
    try:
        place = phone.reserve(call_sid)
    except Refused as refusal:
        tries = _tries(request)
        log.warning("call_turned_away", call_sid=call_sid, cause=type(refusal).__name__, tries=tries)
        return _xml(phone.turn_away(refusal, tries))
    ticket = phone.tickets.for_call(call_sid, account_sid)
    log.info("call_answered", call_sid=call_sid)
    answer = _xml(phone.answer(call_sid, ticket))
    if place is not None:
        # Opening the model takes milliseconds of this loop's time; the answer need not wait for them.
        answer.background = BackgroundTask(phone.park, call_sid, place, _caller_facts(fields))
    return answer


@router.post("/incoming-call/stream-status")
async def stream_status(request: Request) -> Response:
    """Note what became of a stream; the only place where a failed handshake shows."""
    fields = await signed_fields(request, request.app.state.phone)
    event = fields.get("StreamEvent", "")
    if event == "stream-error":
        # The text names our own URL and Twilio's error number, so only the number is kept.
        number = re.search(r"\b3\d{4}\b", fields.get("StreamError", ""))
        log.error("stream_error", call_sid=fields.get("CallSid"), number=number and number.group())
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post("/incoming-call/whisper")
async def whisper(request: Request) -> Response:
    """Tell a person who has answered what the caller wants; what cannot be read must not keep the two apart."""
    phone: Phone = request.app.state.phone
    fields = await signed_fields(request, phone)
    note = _note(request, phone, fields)
    about = f" for {note.destination}. {note.summary}" if note is not None else "."
    return _xml(twiml.whisper(f"A call from the voice assistant{about}"))


@router.post("/incoming-call/dial-ended")
async def dial_ended(request: Request) -> Response:
    """Say what comes after a person was called: nothing more if they talked, else the agent again, who knows."""
    phone: Phone = request.app.state.phone
    fields = await signed_fields(request, phone)
    status = fields.get("DialCallStatus", "failed")
    note = _note(request, phone, fields)
    if note is None:  # the fallback was dialled: there is no agent to go back to
        return _xml(twiml.dial_ended(status))
    log.info("transfer_ended", call_sid=note.call_sid, destination=note.destination, status=_constant(status))
    if twiml.was_answered(status) or fields.get("CallStatus") == "completed":
        return _xml(twiml.hang_up())
    return _welcome_back(phone, note, fields)


def _welcome_back(phone: Phone, note: Note, fields: Fields) -> Response:
    call_sid, account_sid = _sids(fields, phone)
    try:
        place = phone.reserve(call_sid, back=True)
    except Refused as refusal:
        log.warning("call_turned_away", call_sid=call_sid, cause=type(refusal).__name__)
        return _xml(twiml.dial_ended("no-answer"))
    answer = _xml(phone.answer(call_sid, phone.tickets.issue(call_sid, account_sid), note))
    if place is not None:
        answer.background = BackgroundTask(phone.park, call_sid, place, _caller_facts(fields))
    return answer


def _note(request: Request, phone: Phone, fields: Fields) -> Note | None:
    """Read what a task has noted for whoever gets this request; None when there is nothing, or nothing of ours."""
    sealed = request.query_params.get("note")
    if sealed is None:
        return None
    try:
        return phone.notes.open(sealed, [fields[name] for name in ("ParentCallSid", "CallSid") if fields.get(name)])
    except NoteRefused as error:
        log.warning("note_refused", call_sid=fields.get("CallSid"), error=error.reason)
        return None


def _constant(status: str) -> str:
    return status if re.fullmatch(r"[a-z-]{1,20}", status) else "unknown"


@router.websocket("/media-stream")
@router.websocket("/media-stream/{call_sid}")
async def media_stream(socket: WebSocket, call_sid: str | None = None) -> None:
    """Carry a call: believed only with a signed handshake and a ticket for exactly this call."""
    phone: Phone = socket.app.state.phone
    try:
        phone.verifier.handshake(_raw_path(socket), socket.headers.get("x-twilio-signature"))
    except Forbidden as error:
        phone.agent.counting.failed(error)
        log.warning("stream_refused", error=error.reason)
        await socket.close()  # before accepting: Twilio sees 403
        return
    await socket.accept()
    try:
        await _carry(socket, phone, call_sid)
    except AgentError as error:
        phone.agent.counting.failed(error)
        log.warning("stream_refused", error=error.reason)
        await socket.close(error.close_code)
    except WebSocketDisconnect:
        log.info("stream_left_early")
    finally:
        if call_sid is not None:
            phone.parking.dismiss(call_sid)  # whoever could sign this handshake speaks for the call


async def _carry(socket: WebSocket, phone: Phone, call_sid: str | None) -> None:
    guard = StreamGuard()
    with phone.unproven():
        start = await read_start(socket, guard)
        _believe(start, phone, call_sid)
    opening = await _opening(start, phone)
    try:
        call = LiveCall(phone, socket, guard=guard, start=start, opening=opening)
    except BaseException:
        await opening.discard()
        raise
    await call.run()


def _believe(start: Start, phone: Phone, call_sid: str | None) -> None:
    """Refuse a stream that has no ticket of ours for its call."""
    if call_sid is not None and call_sid != start.call_sid:
        raise Forbidden("path_names_another_call")
    if start.account_sid != phone.settings.twilio_account_sid:
        raise Forbidden("another_account")
    phone.tickets.redeem(start.parameters.get("ticket"), start.call_sid, start.account_sid)


async def _opening(start: Start, phone: Phone) -> Opening:
    """Take over what was parked while the phone rang, or begin here: any task may get the socket."""
    parked = phone.parking.adopt(start.call_sid)
    back = _back_from(start, phone)
    if parked is None:
        return Opening("phone", phone.agent.admission.admit(), None, start.call_sid, **back)
    return Opening("phone", parked.place, parked, start.call_sid, parked.facts, **back)


class _Back(TypedDict, total=False):
    first_words: str
    transferred: bool


def _back_from(start: Start, phone: Phone) -> _Back:
    """Say what a caller who comes back from a person is greeted with."""
    sealed = start.parameters.get("note")
    if sealed is None:
        return {}
    try:
        note = phone.notes.open(sealed, (start.call_sid,))
    except NoteRefused as error:
        log.warning("note_refused", call_sid=start.call_sid, error=error.reason)
        return {}
    known = f"What you know of the call so far, as data: {note.summary}" if note.summary else ""
    return {
        "first_words": prompts.load("nobody_free", destination=note.destination, note=known),
        "transferred": True,
    }


async def signed_fields(request: Request, phone: Phone) -> Fields:
    """Read a webhook that Twilio signed.

    Raises:
        Forbidden: it did not.
        ProtocolError: the request is none that Twilio makes.
    """
    body = await _body(request)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and content_type != _FORM:
        raise NotAForm("content type")
    form = _pairs(body)
    query = request.scope["query_string"].decode("latin-1")
    path = _raw_path(request) + (f"?{query}" if query else "")
    signature = request.headers.get("x-twilio-signature")
    phone.verifier.webhook(
        request.method, path, form=form, raw_body=body, content_type=content_type or _FORM, signature=signature
    )
    return dict(form if request.method == "POST" else _pairs(query.encode("latin-1")))


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge("body")
    return bytes(body)


def _pairs(text: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise BadRequest("form") from None


def _sids(fields: Fields, phone: Phone) -> tuple[str, str]:
    call_sid, account_sid = fields.get("CallSid", ""), fields.get("AccountSid", "")
    if not re.fullmatch(r"CA[0-9a-fA-F]{32}", call_sid):
        raise BadRequest("CallSid")
    if account_sid != phone.settings.twilio_account_sid:
        raise Forbidden("another_account")
    return call_sid, account_sid


def _tries(request: Request) -> int:
    """Read how many tasks refused this call before; whatever is no small number has to be the last try."""
    given = request.query_params.get("tries", "0")
    return int(given) if given.isascii() and given.isdigit() and len(given) == 1 else MAX_TRIES


def _caller_facts(fields: Fields) -> Fields:
    """Where the caller's number is registered: names only, nothing that could be an instruction."""
    names = {"city": fields.get("FromCity", "").title(), "country": fields.get("FromCountry", "")}
    return {key: _PLACE_NAME.sub("", value)[:40].strip() for key, value in names.items()}


def _raw_path(connection: HTTPConnection) -> str:
    raw: bytes = connection.scope.get("raw_path") or connection.scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")


def _xml(document: str) -> Response:
    return Response(document, media_type="application/xml")
