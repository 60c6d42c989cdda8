"""Serve the phone service's routes: Twilio's requests, and the media stream's WebSocket."""

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from http import HTTPStatus

import structlog
from fastapi import APIRouter, Request, Response, WebSocket, WebSocketDisconnect
from starlette.background import BackgroundTask
from starlette.types import Receive, Scope, Send

from agent_core import prompts
from agent_core.admission import Slot
from agent_core.agents.stages import StagePosition
from agent_core.call_state import CallState
from agent_core.errors import AgentError, Forbidden, ModelBusy, PermissionRefused
from agent_core.nova.prewarm_pool import PrewarmedSession
from agent_core.resumption import first_words
from agent_core.resumption import history as said_before
from agent_core.sentence import Sentence
from agent_core.session_request import SessionRequest
from agent_core.tools.acts import ActsDone
from phone_agent import resume_action, twiml
from phone_agent.caller import (
    caller_facts,
    caller_id,
    is_outbound,
    is_over,
    is_status_callback,
    machine,
    number_of_ours,
    other_party,
)
from phone_agent.live_call import MediaStreamCall, read_start
from phone_agent.media_stream import StreamStarted
from phone_agent.person_routes import may_ring_on, note_of, seconds_until_answered
from phone_agent.phone_service import MAX_TRIES, PhoneService
from phone_agent.signature import SETTINGS_HEADER
from phone_agent.stream_guard import StreamGuard
from phone_agent.stream_token import StreamTokenRejected
from phone_agent.transfer_context import TransferContext, TransferContextRejected
from phone_agent.webhook import Fields, part_of, raw_path, sids, signed_fields, tries_before

log = structlog.get_logger()
router = APIRouter()


@router.post("/incoming-call")
@router.get("/incoming-call")
@router.post("/incoming-call/")
@router.get("/incoming-call/")
async def incoming_call(request: Request) -> Response:
    """Answer a call: connect it to a media stream and open the model while Twilio connects."""
    phone: PhoneService = request.app.state.phone
    fields = await signed_fields(request, phone)
    call_sid, account_sid = sids(fields, phone)
    # A number whose status callback points here by mistake must not start conversations.
    if is_status_callback(fields):
        log.warning("status_callback_misdirected", call_sid=call_sid, status=_constant(fields.get("CallStatus", "")))
        return Response(status_code=HTTPStatus.NO_CONTENT)
    # Voicemail would talk to the agent until the time limit.
    if (answered_by := machine(fields)) is not None:
        log.info("machine_answered", call_sid=call_sid, answered_by=answered_by)
        return _xml(twiml.hang_up())
    return await take_call(phone, fields, call_sid, account_sid, tries_before(request))


async def take_call(phone: PhoneService, fields: Fields, call_sid: str, account_sid: str, tries: int = 0) -> Response:
    """Return the response to a call that may have a conversation now: its media stream, or why there is none.

    Args:
        phone: The service.
        fields: Of the webhook.
        call_sid: The call.
        account_sid: Its account.
        tries: How many tasks rejected it before.
    """
    # Before the reservation, because a stream may have to be requested from other tasks.
    await phone.agent.admission.prepare()
    speaker = (await phone.agent.agents.refreshed()).for_number(number_of_ours(fields))
    try:
        slot = phone.reserve(call_sid)
    except PermissionRefused as refusal:
        log.warning("call_rejected", call_sid=call_sid, cause=type(refusal).__name__, tries=tries)
        return _xml(phone.reject(refusal, tries, phone.sentences_for(fields), caller_id(fields)))
    with phone.unless_failed(call_sid, slot):
        log.info("call_answered", call_sid=call_sid, outbound=is_outbound(fields), caller=other_party(fields))
        call = CallState(call_sid, facts=caller_facts(fields), caller_id=caller_id(fields))
        call = replace(call, agent=speaker.id, agent_version=speaker.version)
        return _connect(phone, call, slot, phone.answer(call, account_sid))


class _Connecting(Response):
    """Sends a document that connects a call, and opens the model, even if the document cannot be sent.

    Opening the model takes milliseconds of this loop's time, for which the response need not wait.
    """

    media_type = "application/xml"

    def __init__(self, document: str, prewarm: Callable[[], Awaitable[None]]) -> None:
        super().__init__(document)
        self._park = prewarm

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the document, then open the model."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._park()


def _connect(phone: PhoneService, call: CallState, slot: Slot | None, document: str, pause: int = 0) -> Response:
    """Return the response that connects a call; it also opens the model if the call is new to this task."""
    return _xml(document) if slot is None else _Connecting(document, partial(phone.prewarm, call, pause))


@router.post("/incoming-call/lost")
async def lost(request: Request) -> Response:
    """Resume a call whose conversation was lost, here or in another task. Twilio may request this twice.

    The number's own fallback URL leads here too. It names no part and means the latest one.
    """
    phone: PhoneService = request.app.state.phone
    fields = await signed_fields(request, phone)
    call_sid, account_sid = sids(fields, phone)
    if is_over(fields):
        return _xml(twiml.hang_up())
    # The store may be slow or down; then the call is resumed without its history.
    known = await phone.store.recall(call_sid)
    part = part_of(request.query_params.get("part"), 0 if known is None else known.part)
    speaker = phone.agent.agents.for_number(number_of_ours(fields))
    call = known or CallState(call_sid, facts=caller_facts(fields), agent=speaker.id)
    call = replace(call, caller_id=caller_id(fields))
    way = phone.way(known, call_sid, part, _seconds_left(call, phone))
    pause = resume_action.pause(known, part)
    log.warning("call_lost", call_sid=call_sid, part=part, way=way.name.lower(), lost_session_id=call.session_id)
    if way is resume_action.ResumeAction.HANG_UP:
        return _xml(twiml.hang_up())
    if way is resume_action.ResumeAction.SAY_GOODBYE:
        return _say_goodbye(phone, call)
    if way is resume_action.ResumeAction.FALL_BACK:
        return _give_up(phone, call)
    call = replace(call, part=part + 1)
    await phone.agent.admission.prepare()
    try:
        slot = phone.reserve(call_sid, call.part)
    except PermissionRefused as refusal:
        return _hand_on(phone, call, refusal, tries_before(request), phone.lost_url(part))
    with phone.unless_failed(call_sid, slot, call.part):
        return _connect(phone, call, slot, phone.answer(call, account_sid, pause=pause), pause)


@router.post("/incoming-call/after")
async def after_the_stream(request: Request) -> Response:
    """Return what follows a stream where calls are not stored: a hang-up after a goodbye, else the fallback."""
    phone: PhoneService = request.app.state.phone
    fields = await signed_fields(request, phone)
    call_sid, _ = sids(fields, phone)
    normally = phone.ended_normally(call_sid)
    log.info("call_after_its_stream", call_sid=call_sid, ended_normally=normally)
    fallback = phone.fallback_for(caller_id(fields), phone.sentences_for(fields))
    return _xml(twiml.stream_ended(normally=normally, fallback=fallback))


def _hand_on(phone: PhoneService, call: CallState, refusal: PermissionRefused, tries: int, url: str) -> Response:
    """Send a returning call to another task; after three rejections, give up."""
    log.warning("call_rejected", call_sid=call.call_sid, cause=type(refusal).__name__, tries=tries)
    if tries + 1 < MAX_TRIES and not isinstance(refusal, ModelBusy):
        return _xml(twiml.retry_on_another_task(f"{url}&tries={tries + 1}", pause=timedelta(seconds=tries)))
    return _give_up(phone, call)


def _give_up(phone: PhoneService, call: CallState) -> Response:
    """Send a call to the fallback; its words are no longer needed."""
    answer = _xml(twiml.put_through(phone.fallback_for(call.caller_id, phone.sentences_for(call))))
    answer.background = BackgroundTask(phone.store.remember, replace(call, history=(), facts={}, known={}))
    return answer


def _seconds_left(call: CallState, phone: PhoneService) -> float:
    """Return how long a call may still last: the limit applies to all its conversations together."""
    return call.seconds_left(phone.settings.max_call_seconds, time.time())


def _say_goodbye(phone: PhoneService, call: CallState) -> Response:
    """End a call that has reached its limit; its words are no longer needed."""
    sentences = phone.sentences_for(call)
    answer = _xml(twiml.hang_up_after(sentences[Sentence.TIME_IS_UP], sentences.language))
    answer.background = BackgroundTask(phone.store.forget, replace(call, part=resume_action.MAX_PARTS))
    return answer


@router.post("/incoming-call/stream-status")
async def stream_status(request: Request) -> Response:
    """Log the outcome of a stream; the only place where a failed handshake shows."""
    fields = await signed_fields(request, request.app.state.phone)
    event = fields.get("StreamEvent", "")
    if event == "stream-error":
        # The text contains our own URL and Twilio's error number, so only the number is kept.
        number = re.search(r"\b3\d{4}\b", fields.get("StreamError", ""))
        log.error("stream_error", call_sid=fields.get("CallSid"), number=number and number.group())
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post("/incoming-call/dial-ended")
async def dial_ended(request: Request) -> Response:
    """Return what follows a call to a person: a hang-up if they talked, else the agent again, with the history.

    A task that could not take the caller back sends Twilio here again; then the outcome is not logged again, since
    nothing was dialled in between.
    """
    phone: PhoneService = request.app.state.phone
    fields = await signed_fields(request, phone)
    call_sid, _ = sids(fields, phone)
    status = fields.get("DialCallStatus", "failed")
    answered = twiml.was_answered(status, fields.get("DialBridged", "true"))
    note = note_of(request, phone, fields)
    tries = tries_before(request)
    # Twilio's code is five digits; anything else is not copied into the log.
    if (code := fields.get("ErrorCode", "")) and not answered:
        log.error("dial_failed", call_sid=call_sid, code=code if re.fullmatch("[0-9]{5}", code) else "unknown")
    is_over = answered or fields.get("CallStatus") == "completed"
    # The next address is tried at once; only the last one brings the caller back to the agent.
    following = phone.transfer_service.next_address(note) if note is not None and not is_over and not tries else None
    if note is not None and following is not None and may_ring_on(phone, note):
        log.info(
            "transfer_goes_on",
            call_sid=call_sid,
            destination=note.destination,
            status=_constant(status),
            address=note.address,
        )
        return _xml(phone.transfer_service.document(following, caller_id(fields)))
    if note is not None and not tries:
        log.info(
            "transfer_ended",
            call_sid=call_sid,
            destination=note.destination,
            status=_constant(status),
            answered=answered,
            taken_by=note.address if answered else None,
            after_request_s=seconds_until_answered(note, fields) if answered else None,
        )
    if is_over:
        answer = _xml(twiml.hang_up())
        # Whatever the context says: the words of a finished call are no longer needed.
        answer.background = BackgroundTask(phone.store.forget, CallState(call_sid, part=resume_action.MAX_PARTS))
        return answer
    if note is None:  # the fallback was dialled: there is no agent to return to
        sentences = phone.sentences_for(fields)
        return _xml(twiml.hang_up_after(sentences[Sentence.NOT_REACHED], sentences.language))
    return await _welcome_back(phone, note, fields, tries)


async def _welcome_back(phone: PhoneService, note: TransferContext, fields: Fields, tries: int) -> Response:
    call_sid, account_sid = sids(fields, phone)
    known = await phone.store.recall(call_sid) or CallState(call_sid, facts=caller_facts(fields))
    # Without a store, only the context tells how many streams there were at least.
    part = min(max(known.part + 1, note.transfers), resume_action.MAX_PARTS)
    began_at = known.began_at or note.began_at
    speaker = known.agent or note.agent
    call = replace(known, part=part, began_at=began_at, caller_id=caller_id(fields), agent=speaker)
    if _seconds_left(call, phone) < resume_action.WORTHWHILE_SECONDS:
        return _say_goodbye(phone, call)
    await phone.agent.admission.prepare()
    try:
        slot = phone.reserve(call_sid, call.part)
    except PermissionRefused as refusal:
        return _hand_on(phone, call, refusal, tries, phone.transfer_service.after_url(note))
    with phone.unless_failed(call_sid, slot, call.part):
        return _connect(phone, call, slot, phone.answer(call, account_sid, note=note))


def _constant(status: str) -> str:
    return status if re.fullmatch(r"[a-z-]{1,20}", status) else "unknown"


@router.websocket("/media-stream")
@router.websocket("/media-stream/{call_sid}")
async def media_stream(socket: WebSocket, call_sid: str | None = None) -> None:
    """Carry a call; accept it only with a signed handshake and a ticket for exactly this call."""
    phone: PhoneService = socket.app.state.phone
    try:
        # The signature is checked before the socket is accepted, so that strangers get a plain 403.
        headers = socket.headers
        phone.verifier.handshake(raw_path(socket), headers.get("x-twilio-signature"), headers.get(SETTINGS_HEADER))
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
        log.info("stream_closed_before_start")


async def _carry(socket: WebSocket, phone: PhoneService, call_sid: str | None) -> None:
    guard = StreamGuard()
    # Until its ticket is checked, a socket is a stranger's and counts against a small limit.
    with phone.unauthenticated(call_sid):
        start = await read_start(socket, guard)
        part = await _authenticate(start, phone, call_sid)
    note = _brought_back(start, phone)
    known = await _recall(start, phone, part, note)
    prewarmed = phone.adopt(known.call_sid, known.part)
    # Any task may get the socket, so a call may arrive here without a reservation.
    slot = prewarmed.slot if prewarmed else phone.agent.admission.admit(counted=True)
    call: MediaStreamCall | None = None
    try:
        session_request = _session_request(known, phone, note, prewarmed, slot)
        call = MediaStreamCall(phone, socket, guard=guard, start=start, session_request=session_request, known=known)
        await call.run()
    except BaseException:
        # A call that runs writes its own record.
        if call is None or not call.is_recorded:
            await phone.fail(known.call_sid, slot, prewarmed)
        raise


async def _authenticate(start: StreamStarted, phone: PhoneService, call_sid: str | None) -> int:
    """Reject a stream without a ticket of ours for its call; return which of the call's streams it is."""
    if call_sid is not None and call_sid != start.call_sid:
        raise Forbidden("path_names_another_call")
    if start.account_sid != phone.settings.twilio_account_sid:
        raise Forbidden("another_account")
    given = start.parameters
    ticket = phone.tickets.redeem(
        given.get("ticket"), start.call_sid, start.account_sid, given.get("caller_id"), given.get("agent")
    )
    # Another task may have redeemed it. A slow or failing store is not waited for: then this task's check alone counts.
    if not await phone.store.redeem(ticket.nonce, ticket.expires_at):
        phone.give_up(start.call_sid, ticket.part)
        raise StreamTokenRejected("replayed")
    return ticket.part


async def _recall(start: StreamStarted, phone: PhoneService, part: int, note: TransferContext | None) -> CallState:
    """Return the stored state of a call that has a stream now; a call that rings for the first time needs no lookup.

    A transfer context proves that the caller was transferred, whatever the store says.
    """
    known = await phone.store.recall(start.call_sid) if part else None
    known = known or CallState(start.call_sid, begun=int(part > 0))
    transferred = known.transferred if note is None else max(note.transfers, known.transferred)
    began_at = known.began_at or (note.began_at if note is not None else 0.0) or time.time()
    # The ticket vouches for what the start brings back, and a later stream keeps the agent of the first.
    named, _, version = start.parameters.get("agent", "").partition("@")
    speaker = phone.agent.agents.resumed(known.agent or named, known.agent_version or version)
    return replace(
        known,
        part=part,
        begun=known.begun + 1,
        ended=None,
        transferred=transferred,
        began_at=began_at,
        caller_id=start.parameters.get("caller_id"),
        agent=speaker.id,
        agent_version=speaker.version,
    )


def _session_request(
    known: CallState, phone: PhoneService, note: TransferContext | None, prewarmed: PrewarmedSession | None, slot: Slot
) -> SessionRequest:
    """Return what the conversation starts with: what was pre-warmed for the call here, or nothing."""
    return SessionRequest(
        "phone",
        slot,
        prewarmed,
        known.call_sid,
        prewarmed.facts if prewarmed else known.facts,
        history=said_before(known),
        first_words=_first_words(known, note, phone.speaker_of(known).wording.sentence),
        greeted_before=note is not None,
        seconds_left=_seconds_left(known, phone),
        transfers=known.transferred,
        agent=phone.agent.agents.resumed(known.agent, known.agent_version),
        acts=ActsDone(*known.acts),
        at=StagePosition(known.stage, known.known),
        captured=known.captured,
    )


def _brought_back(start: StreamStarted, phone: PhoneService) -> TransferContext | None:
    """Return the transfer context of a caller who returns from a person; None for others, or if it is not ours."""
    sealed = start.parameters.get("note")
    if sealed is None:
        return None
    try:
        return phone.notes.open(sealed, (start.call_sid,))
    except TransferContextRejected as error:
        log.warning("transfer_context_rejected", call_sid=start.call_sid, error=error.reason)
        return None


def _first_words(known: CallState, note: TransferContext | None, disclosure: str) -> str | None:
    """Return the instruction that makes the model continue the call; None lets it greet."""
    if note is None:
        return first_words(known, disclosure) if known.part else None
    summary = f"What you know of the call so far, as data: {note.summary}" if note.summary else ""
    return prompts.load("nobody_free", destination=note.destination, note=summary)


def _xml(document: str) -> Response:
    return Response(document, media_type="application/xml")
