"""A webhook or a handshake: whatever it contains, the service accepts only what Twilio signed."""

import base64
import hashlib
import hmac
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request

from agent_core.errors import Forbidden, ProtocolError
from phone_agent import caller, twiml, webhook
from phone_agent.signature import SignatureVerifier
from standins.twilio.signing import sign
from tests.fuzzing.mutation import Mutator
from tests.fuzzing.target import Target
from tests.fuzzing.waiting import finished

if TYPE_CHECKING:
    from phone_agent.phone_service import PhoneService

_TOKEN = "token-of-the-fuzzer"
_BASE = "https://agent.example.com"
_ACCOUNT = "AC" + "3" * 32
_CALL = "CA" + "2" * 32
_FORM = b"application/x-www-form-urlencoded"
_SEPARATOR = b"\n\n"
_METHOD, _PATH, _QUERY, _TYPE, _SIGNATURE, _BODY = range(6)

_FIELDS = {
    "CallSid": _CALL,
    "AccountSid": _ACCOUNT,
    "From": "+15005550006",
    "FromCity": "PARIS",
    "FromCountry": "FR",
    "CallerName": "Marie & Co",
    "DialCallStatus": "busy",
    "Digits": "",
}


class Webhook(Target):
    """One case is method, path, query, content type, signature and body, each after an empty line."""

    name = "signature"
    folders = ("/phone_agent/",)

    def __init__(self) -> None:
        self._verifier = SignatureVerifier([_TOKEN], _BASE)
        phone = SimpleNamespace(verifier=self._verifier, settings=SimpleNamespace(twilio_account_sid=_ACCOUNT))
        self._phone = cast("PhoneService", phone)
        form, digest = urlencode(_FIELDS).encode(), hashlib.sha256(b"{}").hexdigest().encode()
        self.seeds = [
            _signed([b"POST", b"/incoming-call", b"", _FORM, b"", form]),
            _signed([b"GET", b"/incoming-call", form, b"", b"", b""]),
            _signed([b"POST", b"/incoming-call", b"bodySHA256=" + digest, b"", b"", b"{}"]),
            _signed([b"WS", f"/media-stream/{_CALL}".encode(), b"", b"", b"", b""]),
        ]

    def vary(self, case: bytes, mutator: Mutator) -> bytes:
        """Change a part or a field, and sign it again two times in three."""
        parts = _parts(case)
        at = mutator.random.randrange(6)
        if at == _BODY and not mutator.one_in(3):
            parts[_BODY] = _varied_form(parts[_BODY], mutator)
        elif at == _METHOD:
            parts[_METHOD] = mutator.pick((b"POST", b"GET", b"WS", b"PUT", b"post"))
        else:
            parts[at] = mutator.damage(parts[at])
        return _SEPARATOR.join(parts) if mutator.one_in(3) else _signed(parts)

    def run(self, case: bytes) -> None:
        """Let the service decide, and compare with a second implementation of Twilio's rules."""
        parts = _parts(case)
        try:
            fields = self._believed(parts)
        except (Forbidden, ProtocolError):
            return
        assert _is_signed(parts), "believed what nobody signed"
        _answer(fields)

    def _believed(self, parts: list[bytes]) -> dict[str, str]:
        if parts[_METHOD] == b"WS":
            self._verifier.handshake(parts[_PATH].decode("latin-1"), parts[_SIGNATURE].decode("latin-1") or None)
            return {}
        fields = finished(webhook.signed_fields(_request(parts), self._phone))
        webhook.sids(fields, self._phone)
        return fields


def _parts(case: bytes) -> list[bytes]:
    parts = case.split(_SEPARATOR, 5)
    return parts + [b""] * (6 - len(parts))


def _signed(parts: list[bytes]) -> bytes:
    scheme = "wss" if parts[_METHOD] == b"WS" else "https"
    parts[_SIGNATURE] = _signature(parts, f"{scheme}://agent.example.com").encode()
    return _SEPARATOR.join(parts)


def _signature(parts: list[bytes], base: str, path: str | None = None) -> str:
    """Sign as Twilio's documentation describes; an odd text gets some signature."""
    path = parts[_PATH].partition(b"?")[0].decode("latin-1") if path is None else path
    query = parts[_QUERY].decode("latin-1")
    url = base + path + (f"?{query}" if query and parts[_METHOD] != b"WS" else "")
    is_form = parts[_METHOD] == b"POST" and parts[_TYPE].partition(b";")[0].strip().lower() in (_FORM, b"")
    fields = parse_qsl(parts[_BODY].decode(errors="replace"), keep_blank_values=True) if is_form else []
    try:
        return sign(_TOKEN, url, fields)
    except UnicodeEncodeError:
        return base64.b64encode(hmac.digest(b"x", url.encode("utf-8", "replace"), "sha1")).decode()


def _is_signed(parts: list[bytes]) -> bool:
    """Compare with every spelling of the product's public URL that names the same resource."""
    path, given = parts[_PATH].decode("latin-1"), parts[_SIGNATURE].decode("latin-1")
    schemes, paths = ["https"], [path.partition("?")[0]]
    if parts[_METHOD] == b"WS":
        schemes, paths = ["wss", "https"], [path.rstrip("/"), path.rstrip("/") + "/"]
    bases = [f"{scheme}://agent.example.com{port}" for scheme in schemes for port in ("", ":443")]
    return any(_signature(parts, base, path) == given for base in bases for path in paths)


def _varied_form(body: bytes, mutator: Mutator) -> bytes:
    fields = parse_qsl(body.decode(errors="replace"), keep_blank_values=True) or [("CallSid", _CALL)]
    at = mutator.random.randrange(len(fields))
    name, value = fields[at]
    match mutator.random.randrange(5):
        case 0:
            del fields[at]
        case 1:
            fields += [fields[at]] * mutator.pick((1, 2, 300))
        case 2:
            fields[at] = (mutator.damage(name.encode()).decode(errors="replace"), value)
        case 3:
            fields[at] = (name, "</Say><Dial>900</Dial>\x00\ud7ff&" * mutator.pick((1, 200)))
        case _:
            fields[at] = (name, mutator.damage(value.encode()).decode(errors="replace"))
    return urlencode(fields).encode()


def _request(parts: list[bytes]) -> Request:
    headers = [(b"content-type", parts[_TYPE])] if parts[_TYPE] else []
    headers += [(b"x-twilio-signature", parts[_SIGNATURE])] if parts[_SIGNATURE] else []
    scope = {
        "type": "http",
        "method": parts[_METHOD].decode("latin-1"),
        "path": parts[_PATH].decode("latin-1"),
        "raw_path": parts[_PATH],
        "query_string": parts[_QUERY],
        "headers": headers,
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": parts[_BODY], "more_body": False}

    return Request(scope, receive)


def _answer(fields: dict[str, str]) -> None:
    """Answer the call: whatever the fields say, the answer is a document of the product."""
    facts = caller.caller_facts(fields)
    assert all(len(value) <= 40 and not set(value) & set('<>&"\n;:{}') for value in facts.values())
    twiml.was_answered(fields.get("DialCallStatus", "failed"), fields.get("DialBridged", "true"))
