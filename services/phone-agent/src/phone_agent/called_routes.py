"""Serve the calls that a visitor of the web page asked for: the person who is called presses a key, or nothing starts.

Anyone can type any number. The first sentence therefore says who calls and why, and the model is opened, and paid for,
only after a key that no answering machine presses.
"""

from typing import TYPE_CHECKING, Final

import structlog
from fastapi import APIRouter, Request, Response

from agent_core.sentence import Sentence
from agent_core.sentences import Sentences
from phone_agent import twiml
from phone_agent.accepting import KEY
from phone_agent.caller import is_over
from phone_agent.routes import take_call
from phone_agent.webhook import sids, signed_fields

if TYPE_CHECKING:
    from phone_agent.phone_service import PhoneService

log = structlog.get_logger()
router = APIRouter()

_MAX_NAME: Final = 80
"""As OPERATOR_NAME of the web service."""
_ENGLISH: Final = Sentences.of()


@router.post("/incoming-call/called")
async def called(request: Request) -> Response:
    """Ask a person we called to press 1, then answer their call like any other; hang up without the key."""
    phone: PhoneService = request.app.state.phone
    fields = await signed_fields(request, phone)
    call_sid, account_sid = sids(fields, phone)
    if is_over(fields):
        return _xml(twiml.hang_up())
    # Only a request that follows a key has this field; the first one comes when the person answers.
    pressed = fields.get("Digits")
    if pressed == KEY:
        log.info("call_me_accepted", call_sid=call_sid)
        return await take_call(phone, fields, call_sid, account_sid)
    # The URL is part of Twilio's signature, so both parameters are ours.
    again = "again" in request.query_params
    # A person who presses two wrong keys did not want this call, or is a machine.
    if pressed is not None and again:
        log.info("call_me_declined", call_sid=call_sid)
        return _xml(twiml.hang_up())
    log.info("call_me_asked", call_sid=call_sid, again=pressed is not None)
    operator = request.query_params.get("by", "")
    texts = phone.sentences_for(fields)
    words = texts.say(Sentence.PRESS_TO_TALK, key=KEY) if pressed is not None else first_sentences(operator, texts)
    url = phone.called_url(again=pressed is not None)
    return _xml(twiml.whisper([(words, texts.language)], accept_url=url))


def first_sentences(operator: str, texts: Sentences = _ENGLISH) -> str:
    """Return what the person hears on answering: who calls, why, and what to do in either case."""
    # A name that no voice can read is left out; TwiML escapes every other.
    name = operator[:_MAX_NAME] if operator.isprintable() else ""
    if not name:
        return texts.say(Sentence.CALLED_UNNAMED, key=KEY)
    return texts.say(Sentence.CALLED, name=name, key=KEY)


def _xml(document: str) -> Response:
    return Response(document, media_type="application/xml")
