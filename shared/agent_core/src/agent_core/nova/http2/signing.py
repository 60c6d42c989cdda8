"""Sign a request and its events with AWS Signature Version 4. No I/O.

Each event's signature covers that of the event before it, and the first covers the request's. Sources: AWS, "Create a
signed AWS API request"; for events ``AWS4-HMAC-SHA256-PAYLOAD`` as signed by the SDKs for Python and Go.
"""

import base64
import hmac
import time
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from urllib.parse import quote

from botocore.credentials import ReadOnlyCredentials

from agent_core.nova.http2 import event_stream

_SERVICE: Final = "bedrock"
_TIMESTAMP: Final = "%Y%m%dT%H%M%SZ"
_PAYLOAD: Final = "STREAMING-AWS4-HMAC-SHA256-EVENTS"
CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"
_CHUNK_HEADERS: Final = b"".join(
    (
        event_stream.string_header(":message-type", "event"),
        event_stream.string_header(":event-type", "chunk"),
        event_stream.string_header(":content-type", "application/json"),
    )
)
_DATE_HEAD: Final = b"\x05:date\x08"
_SIGNATURE_HEAD: Final = b"\x10:chunk-signature\x06\x00\x20"

type Headers = list[tuple[str, str]]


class EventSigner:
    """Encodes and signs the events of one stream, in the order in which they are sent.

    Args:
        keys: Those that signed the request.
        region: Region of the request.
        signature: The request's signature, in hexadecimal digits.
    """

    def __init__(self, keys: ReadOnlyCredentials, region: str, signature: str) -> None:
        self._secret = keys.secret_key or ""
        self._region = region
        self._prior = signature
        self._second = -1
        self._day = ""
        self._key = b""
        self._date_header = b""
        self._date_digest = ""
        self._covered = ""

    def chunk(self, event: bytes) -> bytes:
        """Return the signed message that carries one event's JSON."""
        inner = event_stream.encode(_CHUNK_HEADERS, b'{"bytes":"%b"}' % base64.b64encode(event))
        return self.sign(inner, int(time.time()))

    def end(self) -> bytes:
        """Return the signed empty message that ends the stream."""
        return self.sign(b"", int(time.time()))

    def sign(self, payload: bytes, now: int) -> bytes:
        """Return a signed message; ``now`` is in seconds since 1970."""
        # 25 events a second share what depends on the time, a third of the work.
        if now != self._second:
            self._turn_to(now)
        to_sign = f"{self._covered}{self._prior}\n{self._date_digest}\n{sha256(payload).hexdigest()}"
        signature = hmac.digest(self._key, to_sign.encode(), "sha256")
        # From here on the message must be sent: the next signature covers this one.
        self._prior = signature.hex()
        return event_stream.encode(b"%b%b%b" % (self._date_header, _SIGNATURE_HEAD, signature), payload)

    def _turn_to(self, now: int) -> None:
        """Prepare what all events of this second share."""
        timestamp = time.strftime(_TIMESTAMP, time.gmtime(now))
        if timestamp[:8] != self._day:
            # A stream may pass midnight. The SDKs use the day of the event, not of the request.
            self._day = timestamp[:8]
            self._key = _signing_key(self._secret, self._day, self._region)
        self._second = now
        self._date_header = _DATE_HEAD + (now * 1000).to_bytes(8)
        self._date_digest = sha256(self._date_header).hexdigest()
        self._covered = f"AWS4-HMAC-SHA256-PAYLOAD\n{timestamp}\n{_scope(self._day, self._region)}\n"


def sign_request(
    *, authority: str, model_id: str, keys: ReadOnlyCredentials, region: str, now: datetime | None = None
) -> tuple[Headers, EventSigner]:
    """Return the headers of a request for a stream, and the signer of its events.

    Args:
        authority: Host of the endpoint, with its port unless that is 443.
        model_id: The model's id or ARN.
        keys: They sign the request and all its events.
        region: Region of the endpoint.
        now: Another time than the present one, in UTC.
    """
    timestamp = (now or datetime.now(UTC)).strftime(_TIMESTAMP)
    path = f"/model/{quote(model_id, safe='')}/invoke-with-bidirectional-stream"
    signed = {
        "content-type": CONTENT_TYPE,
        "host": authority,
        "x-amz-content-sha256": _PAYLOAD,
        "x-amz-date": timestamp,
    }
    # Of a role; a permanent key pair has none.
    if keys.token:
        signed["x-amz-security-token"] = keys.token
    scope = _scope(timestamp[:8], region)
    canonical = _canonical(path, signed)
    to_sign = f"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(
        _signing_key(keys.secret_key or "", timestamp[:8], region), to_sign.encode(), "sha256"
    ).hex()
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}, SignedHeaders={';'.join(signed)}, "
        f"Signature={signature}"
    )
    pseudo = [(":method", "POST"), (":scheme", "https"), (":path", path), (":authority", authority)]
    # HTTP/2 has no Host header: the server reads it from :authority.
    fields = [(name, value) for name, value in signed.items() if name != "host"]
    unsigned = [("accept", "*/*"), ("user-agent", "voice-agent"), ("authorization", authorization)]
    return [*pseudo, *fields, *unsigned], EventSigner(keys, region, signature)


def _canonical(path: str, signed: dict[str, str]) -> str:
    """Return the canonical request. Its path is encoded twice, as for every service but S3; the names are sorted."""
    headers = "".join(f"{name}:{value}\n" for name, value in signed.items())
    return f"POST\n{quote(path, safe='/')}\n\n{headers}\n{';'.join(signed)}\n{_PAYLOAD}"


def _scope(day: str, region: str) -> str:
    return f"{day}/{region}/{_SERVICE}/aws4_request"


def _signing_key(secret: str, day: str, region: str) -> bytes:
    key = b"AWS4" + secret.encode()
    for part in (day, region, _SERVICE, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
