"""Serve Twilio's requests while a person is called: the whisper, and the key they press."""

import re
import time

import structlog
from fastapi import APIRouter, Request, Response

from agent_core.call_state import CallState
from phone_agent import resume_action, twiml
from phone_agent.accepting import KEY, press_again, sentences
from phone_agent.phone_service import PhoneService
from phone_agent.transfer_context import TransferContext, TransferContextRejected
from phone_agent.webhook import Fields, signed_fields

log = structlog.get_logger()

router = APIRouter()


@router.post("/incoming-call/whisper")
async def whisper(request: Request) -> Response:
    """Return what a person hears on answering; an unreadable context must not prevent the connection."""
    phone: PhoneService = request.app.state.phone
    fields = await signed_fields(request, phone)
    note = note_of(request, phone, fields)
    asks = request.query_params.get("accept") == "key"
    destination, summary = (note.destination, note.summary) if note is not None else (None, "")
    accept_url = phone.transfer_service.accepted_url(note, time.time()) if asks else None
    texts = phone.sentences_of_person(note)
    return _xml(twiml.whisper(sentences(destination, summary, asks=asks, texts=texts), accept_url=accept_url))


@router.post("/incoming-call/accepted")
async def accepted(request: Request) -> Response:
    """Connect the caller to the person who pressed the key; ask once more after another key."""
    phone: PhoneService = request.app.state.phone
    fields = await signed_fields(request, phone)
    note = note_of(request, phone, fields)
    answered_at = _seconds(request.query_params.get("answered"))
    if fields.get("Digits") != KEY:
        # A voicemail or a misdial presses no key twice, so the second miss ends the attempt.
        if "again" in request.query_params:
            return _xml(twiml.hang_up())
        url = phone.transfer_service.accepted_url(note, answered_at, again=True)
        texts = phone.sentences_of_person(note)
        return _xml(twiml.whisper(press_again(texts), accept_url=url))
    now = time.time()
    log.info(
        "transfer_accepted",
        call_sid=fields.get("ParentCallSid"),
        destination=note and note.destination,
        address=note and note.address,
        after_answer_s=round(max(0.0, now - answered_at), 1),
        after_request_s=round(now - note.asked_at, 1) if note is not None and note.asked_at else None,
    )
    return _xml(twiml.connect_now())


def _seconds(given: str | None) -> float:
    """Parse a time from a URL that Twilio has signed; return the current time if there is none."""
    return float(given) if given is not None and re.fullmatch(r"[0-9]{1,12}(\.[0-9])?", given) else time.time()


def note_of(request: Request, phone: PhoneService, fields: Fields) -> TransferContext | None:
    """Return the transfer context of a request; None if there is none, or it is not ours."""
    sealed = request.query_params.get("note")
    if sealed is None:
        return None
    try:
        return phone.notes.open(sealed, [fields[name] for name in ("ParentCallSid", "CallSid") if fields.get(name)])
    except TransferContextRejected as error:
        log.warning("transfer_context_rejected", call_sid=fields.get("CallSid"), error=error.reason)
        return None


def may_ring_on(phone: PhoneService, note: TransferContext) -> bool:
    """Return whether the call lasts long enough for another phone to ring."""
    # Only the start of the call matters here, so no stored state is needed.
    call = CallState(note.call_sid, began_at=note.began_at)
    return (
        call.seconds_left(phone.settings.max_call_seconds, time.time())
        > phone.settings.transfer_ring_seconds + resume_action.WORTHWHILE_SECONDS
    )


def seconds_until_answered(note: TransferContext, fields: Fields) -> float | None:
    """Return the seconds from the request to Twilio until the person answered, to about one second."""
    talked = fields.get("DialCallDuration", "")
    if not note.asked_at or not re.fullmatch("[0-9]{1,6}", talked):
        return None
    return round(max(0.0, time.time() - note.asked_at - int(talked)), 1)


def _xml(document: str) -> Response:
    return Response(document, media_type="application/xml")
