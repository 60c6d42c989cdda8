"""Verify that Twilio sent a webhook or opens a media stream.

Twilio signs with the account's AuthToken (HMAC-SHA1, base64) and sends the result as ``X-Twilio-Signature``:

- a form post: the URL followed by every name and value, sorted by name;
- a GET: the URL with its query;
- any other body: the URL alone, whose query then holds ``bodySHA256`` of the body;
- a WebSocket handshake: the ``wss://`` URL of the TwiML.

An account that signs with a shared key sends ``X-Twilio-Webhooks-Signature-Settings: key=<id>,algorithm=HMAC_SHA256``
beside the signature, which is then HMAC-SHA256 with the key's secret over the same text.

The URL is the one that *Twilio* used, so it is made from configuration. The client controls ``Host`` and
``X-Forwarded-*``, and behind a load balancer that terminates TLS the request's own scheme is wrong.

``twilio.request_validator`` computes the signatures. Its ``validate`` is not used, because of how it handles URLs:
it completes ``wss`` with port 80, breaks on IPv6 hosts, and raises on a missing signature.

Source: twilio.com/docs/usage/webhooks/webhooks-security.
"""

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from multidict import MultiDict
from pydantic import SecretStr
from twilio.request_validator import HMAC_SHA1, HMAC_SHA256, SIGNATURE_SETTINGS_HEADER, RequestValidator

from agent_core.errors import ConfigurationError, Forbidden

SETTINGS_HEADER: Final[str] = SIGNATURE_SETTINGS_HEADER
"""Names the shared key and the algorithm of a signature; missing where the AuthToken signs."""
_MAX_SETTINGS: Final = 400
_SIGNATURE_CHARACTERS: Final[Mapping[str, int]] = {HMAC_SHA1: 28, HMAC_SHA256: 44}
"""Length by algorithm: 20 and 32 bytes in base64. Any other length is rejected before a hash is computed."""
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_FORM: Final = "application/x-www-form-urlencoded"
_STREAM_SCHEMES: Final = {"https": ("wss", "https"), "http": ("ws", "http")}
_DEFAULT_PORTS: Final = {"https": 443, "wss": 443, "http": 80, "ws": 80}


@dataclass(frozen=True, slots=True)
class _Given:
    """A signature from a request, and the secrets that may have made it."""

    signature: str
    secrets: tuple[str, ...]
    algorithm: str


class SignatureVerifier:
    """Rejects what Twilio did not sign.

    Args:
        auth_tokens: Every AuthToken that may sign now. More than one only while a token is being replaced.
        public_base_url: Public URL of this service, ``https://host[:port][/prefix]``, as entered at Twilio.
        shared_keys: Secrets of the account's shared keys by their ids.

    Raises:
        ConfigurationError: no token, an empty token, or a URL that cannot be signed.
    """

    def __init__(
        self,
        auth_tokens: Sequence[SecretStr | str],
        public_base_url: str,
        shared_keys: Mapping[str, str] | None = None,
    ) -> None:
        self._tokens = tuple(_reveal(token) for token in auth_tokens)
        if not self._tokens or not all(self._tokens):
            raise ConfigurationError("TWILIO_AUTH_TOKEN: at least one token is needed, and none may be empty")
        self._shared_keys = dict(shared_keys or {})
        base = urlsplit(public_base_url)
        if base.scheme not in _STREAM_SCHEMES or not base.hostname:
            raise ConfigurationError("PUBLIC_BASE_URL: it must be http(s)://host")
        if base.username is not None or base.query or base.fragment:
            raise ConfigurationError("PUBLIC_BASE_URL: it must have no user, query or fragment")
        self._webhook_bases = _bases(base, (base.scheme,))
        self._stream_bases = _bases(base, _STREAM_SCHEMES[base.scheme])

    def webhook(  # noqa: PLR0913, PLR0917 - a signature covers all of these
        self,
        method: str,
        path_and_query: str,
        form: Sequence[tuple[str, str]] | None,
        raw_body: bytes,
        content_type: str | None,
        signature: str | None,
        signed_with: str | None = None,
    ) -> None:
        """Verify a webhook.

        Args:
            method: HTTP method.
            path_and_query: As it came on the wire, still percent-encoded.
            form: Names and values of a form post in any order, empty values included; None if the body is not a form.
            raw_body: The body as it came.
            content_type: Header of that name.
            signature: Header ``X-Twilio-Signature``.
            signed_with: Header `SETTINGS_HEADER`.

        Raises:
            Forbidden: the signature is missing or wrong, or the body is not covered by it.
        """
        given = self._given(signature, signed_with)
        fields: Sequence[tuple[str, str]] = ()
        if method == "POST" and form is not None and _is_form(content_type):
            fields = form
        elif raw_body:
            _check_body(path_and_query, raw_body)
        self._check((base + path_and_query for base in self._webhook_bases), given, fields)

    def handshake(self, path: str, signature: str | None, signed_with: str | None = None) -> None:
        """Verify the handshake of a media stream.

        Twilio signs the URL of the TwiML sometimes with a slash at its end, and libraries differ on ``wss`` and
        ``https``; all of these name the same resource, so each is accepted.

        Args:
            path: Path of the upgrade request, still percent-encoded, without query: Twilio sends none.
            signature: Header ``X-Twilio-Signature``.
            signed_with: Header `SETTINGS_HEADER`.

        Raises:
            Forbidden: the signature is missing or wrong.
        """
        given = self._given(signature, signed_with)
        bare = path.rstrip("/")
        self._check((base + bare + end for base in self._stream_bases for end in ("", "/")), given)

    def _given(self, signature: str | None, signed_with: str | None) -> _Given:
        """Read a signature and find the keys that may have made it.

        A shared key is used only where the header names it, and an AuthToken only where it does not: neither can stand
        in for the other.

        Raises:
            Forbidden: there is no signature, or none of the form that its algorithm gives, or the key is unknown.
        """
        if not signature:
            raise Forbidden("signature_missing")
        key_id, algorithm = _read_settings(signed_with)
        if key_id is None:
            secrets = self._tokens
        elif key_id in self._shared_keys:
            secrets = (self._shared_keys[key_id],)
        else:
            raise Forbidden(f"signature_key_unknown: {SETTINGS_HEADER} names a key that TWILIO_SHARED_KEYS lacks")
        if len(signature) != _SIGNATURE_CHARACTERS[algorithm] or not signature.isascii():
            raise Forbidden("signature_malformed")
        return _Given(signature, secrets, algorithm)

    @staticmethod
    def _check(urls: Iterable[str], given: _Given, form: Sequence[tuple[str, str]] = ()) -> None:
        """Compare with every URL under every secret, so that the time taken reveals nothing.

        Raises:
            Forbidden: no combination matches.
        """
        validators = [RequestValidator(secret) for secret in given.secrets]
        fields = MultiDict(form)
        try:
            computed = [
                validator.compute_signature(url, fields, given.algorithm) for url in urls for validator in validators
            ]
        except UnicodeEncodeError:  # an unpaired surrogate: Twilio never signs one
            raise Forbidden("signature_mismatch") from None
        matches = [hmac.compare_digest(one, given.signature) for one in computed]
        if not any(matches):
            raise Forbidden("signature_mismatch")


def _reveal(token: SecretStr | str) -> str:
    return token.get_secret_value() if isinstance(token, SecretStr) else token


def _bases(base: SplitResult, schemes: Iterable[str]) -> tuple[str, ...]:
    """List the spellings of this service's URL.

    Twilio keeps or drops the port depending on product and scheme, and signs a host with capitals as it was written.
    """
    written = re.sub(r":[0-9]*$", "", base.netloc)
    path = base.path.rstrip("/")
    return tuple(
        f"{scheme}://{host}{port}{path}"
        for scheme in schemes
        for host in dict.fromkeys((written, written.lower()))
        for port in ("", f":{base.port or _DEFAULT_PORTS[scheme]}")
    )


def _read_settings(header: str | None) -> tuple[str | None, str]:
    """Read key id and algorithm of a signature; without the header an AuthToken signs, with SHA-1.

    Raises:
        Forbidden: the header cannot be read, or names an unknown algorithm.
    """
    if not header:
        return None, HMAC_SHA1
    pairs = [part.partition("=") for part in header[: _MAX_SETTINGS + 1].split(",")]
    said = {name.strip().lower(): value.strip() for name, _, value in pairs}
    key_id, algorithm = said.get("key", ""), said.get("algorithm", HMAC_SHA1).upper()
    if len(header) > _MAX_SETTINGS or len(said) != len(pairs) or not _KEY_ID.fullmatch(key_id):
        raise Forbidden(f"signature_settings_malformed: {SETTINGS_HEADER} names no key")
    if algorithm not in _SIGNATURE_CHARACTERS:
        raise Forbidden(f"signature_algorithm_unknown: {SETTINGS_HEADER} wants one that this version lacks")
    return key_id, algorithm


def _is_form(content_type: str | None) -> bool:
    return (content_type or "").partition(";")[0].strip().lower() == _FORM


def _check_body(path_and_query: str, raw_body: bytes) -> None:
    """Compare the body with the hash in the signed query; without a hash the signature does not cover the body."""
    query = path_and_query.partition("?")[2]
    hashes = [value for name, value in parse_qsl(query) if name == "bodySHA256"]
    if len(hashes) != 1:
        raise Forbidden("body_unsigned")
    if not hmac.compare_digest(sha256(raw_body).hexdigest().encode(), hashes[0].encode()):
        raise Forbidden("body_altered")
