"""Verifies AWS Signature Version 4: of the request, then of every event in its chain.

Source: AWS "Create a signed AWS API request", and for events the `AWS4-HMAC-SHA256-PAYLOAD` form that the SDKs sign.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote

from standins.nova.errors import StreamFault, StreamRefused
from standins.nova.eventstream import HeaderValue, encode_headers

STREAMING = "STREAMING-AWS4-HMAC-SHA256-EVENTS"
SERVICE = "bedrock"
CLOCK_SKEW = timedelta(minutes=5)
TIMESTAMP = "%Y%m%dT%H%M%SZ"

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<key>[^/\s,]+)/(?P<scope>(?P<day>\d{8})/(?P<region>[^/,\s]+)/"
    r"(?P<service>[^/,\s]+)/aws4_request)\s*,\s*SignedHeaders=(?P<headers>[^,\s]+)\s*,\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The parts of a request that its signature covers. Header names are lower-case; `host` is the authority."""

    method: str
    path: str
    """As sent: percent-encoded, without the query."""
    query: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Authorization:
    """A parsed `authorization` header."""

    access_key_id: str
    scope: str
    # Clients with a wrong clock fail as they do at AWS.
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str


def authorization_of(request: SignedRequest) -> Authorization:
    """Parse the `authorization` header.

    Raises:
        StreamRefused: It is missing, or not Signature Version 4.
    """
    value = request.headers.get("authorization")
    if value is None:
        raise StreamRefused("MissingAuthenticationTokenException", "Missing Authentication Token")
    found = _AUTHORIZATION.fullmatch(value.strip())
    if found is None:
        raise StreamRefused(
            "IncompleteSignatureException", "Authorization header is not a valid AWS4-HMAC-SHA256 header."
        )
    return Authorization(
        access_key_id=found["key"],
        scope=found["scope"],
        region=found["region"],
        service=found["service"],
        signed_headers=tuple(found["headers"].split(";")),
        signature=found["signature"],
    )


def verify(request: SignedRequest, secrets: Mapping[str, str], now: datetime) -> "ChunkChain":
    """Verify a request's signature, and return the chain that its events must continue.

    Args:
        request: The request as received.
        secrets: Secret access key by access key ID.
        now: The current time, with its time zone.

    Raises:
        StreamRefused: The key is unknown, the time differs by more than five minutes, or the signature is wrong.
    """
    authorization = authorization_of(request)
    # Look up the key before anything else, in AWS's order of checks.
    secret = secrets.get(authorization.access_key_id)
    if secret is None:
        raise StreamRefused("UnrecognizedClientException", "The security token included in the request is invalid.")
    timestamp = _timestamp_of(request, now)
    _check_scope(authorization, timestamp)
    canonical = canonical_request(request, authorization.signed_headers)
    to_sign = "\n".join(("AWS4-HMAC-SHA256", timestamp, authorization.scope, _sha256(canonical.encode())))
    # The scope is part of the key, so a signature is valid for one day, region and service.
    key = signing_key(secret, authorization.scope)
    if not hmac.compare_digest(_sign(key, to_sign).hex(), authorization.signature):
        raise StreamRefused("InvalidSignatureException", _MISMATCH, f"canonical request was {canonical!r}")
    return ChunkChain(secret, authorization.scope, authorization.signature)


def _timestamp_of(request: SignedRequest, now: datetime) -> str:
    timestamp = request.headers.get("x-amz-date", "")
    try:
        signed_at = datetime.strptime(timestamp, TIMESTAMP).replace(tzinfo=UTC)
    except ValueError as broken:
        raise StreamRefused("IncompleteSignatureException", "Date must be in ISO-8601 'basic format'.") from broken
    if abs(now - signed_at) > CLOCK_SKEW:
        earliest = (now - CLOCK_SKEW).strftime(TIMESTAMP)
        raise StreamRefused(
            "InvalidSignatureException",
            f"Signature expired: {timestamp} is now earlier than {earliest} ({now.strftime(TIMESTAMP)} - 5 min.)",
        )
    return timestamp


def _check_scope(authorization: Authorization, timestamp: str) -> None:
    if authorization.service != SERVICE:
        raise StreamRefused(
            "InvalidSignatureException", f"Credential should be scoped to correct service: '{SERVICE}'. "
        )
    if not authorization.scope.startswith(timestamp[:8]):
        message = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version."
        raise StreamRefused("InvalidSignatureException", message)
    if not {"host", ":authority"}.intersection(authorization.signed_headers):  # the SDK for JavaScript signs :authority
        raise StreamRefused("InvalidSignatureException", "'Host' must be a 'SignedHeader' in the AWS Authorization.")


def canonical_request(request: SignedRequest, signed_headers: tuple[str, ...]) -> str:
    """Return the canonical request; its path is encoded twice, as for every service but S3."""
    # Collapse white space in values, as both sides must to agree on the signature.
    headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in signed_headers)
    # Sorted and encoded again, because clients may send any order and encoding.
    pairs = sorted((quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in parse_qsl(request.query, True))  # noqa: FBT003
    return "\n".join(
        (
            request.method,
            quote(request.path, safe="/-_.~"),
            "&".join(f"{key}={value}" for key, value in pairs),
            headers,
            ";".join(signed_headers),
            request.headers.get("x-amz-content-sha256", ""),
        )
    )


def signing_key(secret: str, scope: str) -> bytes:
    """Derive the key for a scope `day/region/service/aws4_request`."""
    key = b"AWS4" + secret.encode()
    # AWS4 + secret, then one HMAC per part of the scope.
    for part in scope.split("/"):
        key = _sign(key, part)
    return key


class ChunkChain:
    """Signatures of a stream's events: each covers the previous one, the first covers the request's."""

    def __init__(self, secret: str, scope: str, signature: str) -> None:
        self._secret = secret
        self._day, _, self._place = scope.partition("/")
        self._key = signing_key(secret, scope)
        self._prior = signature

    def verify(self, headers: Mapping[str, HeaderValue], payload: bytes) -> None:
        """Verify one event and advance the chain.

        Raises:
            StreamFault: The signature is missing or wrong, or belongs to another position in the chain.
        """
        # Both are binary headers of the event, not HTTP headers.
        date, signature = headers.get(":date"), headers.get(":chunk-signature")
        if not isinstance(date, datetime) or not isinstance(signature, bytes):
            raise StreamFault("validationException", _MISMATCH, ":date or :chunk-signature is missing")
        expected = self._expect(date, payload)
        if not hmac.compare_digest(expected, signature):
            raise StreamFault("validationException", _MISMATCH, "chunk signature")
        # The chain advances only after a valid signature.
        self._prior = expected.hex()

    def _expect(self, date: datetime, payload: bytes) -> bytes:
        day = date.strftime("%Y%m%d")
        if day != self._day:
            # A stream may pass midnight: the SDKs for Python and Go sign with the day of the event.
            self._day, self._key = day, signing_key(self._secret, f"{day}/{self._place}")
        covered = (
            "AWS4-HMAC-SHA256-PAYLOAD",
            date.strftime(TIMESTAMP),
            f"{day}/{self._place}",
            self._prior,
            # Only the date is covered, not the signature itself.
            _sha256(encode_headers({":date": date})),
            _sha256(payload),
        )
        return _sign(self._key, "\n".join(covered))


def _sign(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
