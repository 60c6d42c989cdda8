"""Read Twilio's webhooks: signed, small, and with each field validated."""

import re
from http import HTTPStatus
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.requests import HTTPConnection

from agent_core.errors import Forbidden, ProtocolError
from agent_core.web import read_body
from phone_agent import resume_action
from phone_agent.phone_service import MAX_TRIES, PhoneService
from phone_agent.signature import SETTINGS_HEADER

MAX_BODY_BYTES = 64 * 1024
"""Twilio's webhooks have about 1 KB."""
MAX_FIELDS = 200
"""Twilio sends about 30 and may add more at any time."""
_FORM = "application/x-www-form-urlencoded"

type Fields = dict[str, str]


class BadWebhook(ProtocolError):
    """Twilio does not make such a request."""


class NotACall(ProtocolError):
    """The request concerns a message, or something else that is not a phone call."""

    spoken = "This address answers telephone calls. Point what is about messages, faxes or anything else elsewhere."


class NotAForm(ProtocolError):
    """The body is not a form."""

    http_status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


async def signed_fields(request: Request, phone: PhoneService) -> Fields:
    """Read a webhook that Twilio signed.

    Raises:
        Forbidden: the signature is missing or invalid.
        ProtocolError: Twilio does not make such a request.
    """
    body = await read_body(request, MAX_BODY_BYTES)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and content_type != _FORM:
        raise NotAForm("content type")
    form = _pairs(body)
    query = request.scope["query_string"].decode("latin-1")
    path = raw_path(request) + (f"?{query}" if query else "")
    # Nothing of the request is used before its signature has been verified.
    phone.verifier.webhook(
        request.method,
        path,
        form=form,
        raw_body=body,
        content_type=content_type or _FORM,
        signature=request.headers.get("x-twilio-signature"),
        signed_with=request.headers.get(SETTINGS_HEADER),
    )
    return dict(form if request.method == "POST" else _pairs(query.encode("latin-1")))


def _pairs(text: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise BadWebhook("form") from None


def sids(fields: Fields, phone: PhoneService) -> tuple[str, str]:
    """Return the call's sid and the account's.

    Raises:
        ProtocolError: the sid is not a call's.
        Forbidden: it is another account.
    """
    call_sid, account_sid = fields.get("CallSid", ""), fields.get("AccountSid", "")
    if not call_sid:
        raise NotACall("no CallSid: a number's messaging webhook, or another product's, points at a voice address")
    if not re.fullmatch(r"CA[0-9a-fA-F]{32}", call_sid):
        raise BadWebhook("CallSid")
    if account_sid != phone.settings.twilio_account_sid:
        raise Forbidden("another_account")
    return call_sid, account_sid


def tries_before(request: Request) -> int:
    """Return how many tasks rejected this call before; an invalid number counts as the last try."""
    given = request.query_params.get("tries", "0")
    return int(given) if given.isascii() and given.isdigit() and len(given) == 1 else MAX_TRIES


def part_of(given: str | None, unsaid: int = 0) -> int:
    """Return which stream of a call this is, or `unsaid` if omitted; an invalid number counts as the last one."""
    if given is None:
        return unsaid
    return int(given) if re.fullmatch("[0-9]", given) else resume_action.MAX_PARTS


def raw_path(connection: HTTPConnection) -> str:
    """Return the path as it was written, which is how it was signed."""
    raw: bytes = connection.scope.get("raw_path") or connection.scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")
