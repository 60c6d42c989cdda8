"""Check that Twilio, and nobody else, sent a webhook or opens a media stream.

Twilio signs with the account's AuthToken (HMAC-SHA1, base64) and sends the result as ``X-Twilio-Signature``:

- a form post: the URL followed by every name and value, sorted by name;
- a GET: the URL with its query;
- any other body: the URL alone, whose query then holds ``bodySHA256`` of the body;
- a WebSocket handshake: the ``wss://`` URL of the TwiML.

The URL is the one that *Twilio* used, so it is made from configuration. ``Host`` and ``X-Forwarded-*`` belong to
whoever sends the request, and behind a load balancer that ends TLS the request's own scheme is wrong.

Source: twilio.com/docs/usage/webhooks/webhooks-security. ``twilio.request_validator`` is the peer in the tests and not
used here: it completes ``wss`` with port 80, breaks on IPv6 hosts, and raises on a missing signature.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pydantic import SecretStr

from agent_core.errors import ConfigurationError, Forbidden

_SIGNATURE_CHARACTERS: Final = 28
"""20 bytes of HMAC-SHA1 in base64. Anything else is refused before a single hash is computed."""
_FORM: Final = "application/x-www-form-urlencoded"
_STREAM_SCHEMES: Final = {"https": ("wss", "https"), "http": ("ws", "http")}
_DEFAULT_PORTS: Final = {"https": 443, "wss": 443, "http": 80, "ws": 80}


class SignatureVerifier:
    """Refuses what Twilio did not sign.

    Args:
        auth_tokens: Every AuthToken that may sign now. More than one only while a token is being replaced.
        public_base_url: Where Twilio reaches us, ``https://host[:port][/prefix]``.

    Raises:
        ConfigurationError: no token, an empty token, or a URL that cannot be signed.
    """

    def __init__(self, auth_tokens: Sequence[SecretStr | str], public_base_url: str) -> None:
        self._tokens = tuple(_reveal(token).encode() for token in auth_tokens)
        if not self._tokens or not all(self._tokens):
            raise ConfigurationError("TWILIO_AUTH_TOKEN: at least one token is needed, and none may be empty")
        base = urlsplit(public_base_url)
        if base.scheme not in _STREAM_SCHEMES or not base.hostname:
            raise ConfigurationError("PUBLIC_BASE_URL: it must be http(s)://host")
        if base.username is not None or base.query or base.fragment:
            raise ConfigurationError("PUBLIC_BASE_URL: it must have no user, query or fragment")
        self._webhook_bases = _bases(base, (base.scheme,))
        self._stream_bases = _bases(base, _STREAM_SCHEMES[base.scheme])

    def webhook(  # noqa: PLR0913, PLR0917 - this is what a signature covers
        self,
        method: str,
        path_and_query: str,
        form: Sequence[tuple[str, str]] | None,
        raw_body: bytes,
        content_type: str | None,
        signature: str | None,
    ) -> None:
        """Accept a webhook, or say why not.

        Args:
            method: HTTP method.
            path_and_query: As it came on the wire, still percent-encoded.
            form: Names and values of a form post in any order, empty values included; None if the body is no form.
            raw_body: The body as it came.
            content_type: Header of that name.
            signature: Header ``X-Twilio-Signature``.

        Raises:
            Forbidden: the signature is missing or wrong, or the body is not covered by it.
        """
        given = _well_formed(signature)
        fields = ""
        if method == "POST" and form is not None and _is_form(content_type):
            fields = _sorted_fields(form)
        elif raw_body:
            _check_body(path_and_query, raw_body)
        self._check((base + path_and_query + fields for base in self._webhook_bases), given)

    def handshake(self, path: str, signature: str | None) -> None:
        """Accept the opening of a media stream, or say why not.

        Twilio signs the URL of the TwiML sometimes with a slash at its end, and libraries differ on ``wss`` and
        ``https``; all of these name the same resource, so each is as good as the other.

        Args:
            path: Path of the upgrade request, still percent-encoded, without query: Twilio sends none.
            signature: Header ``X-Twilio-Signature``.

        Raises:
            Forbidden: the signature is missing or wrong.
        """
        given = _well_formed(signature)
        bare = path.rstrip("/")
        self._check((base + bare + end for base in self._stream_bases for end in ("", "/")), given)

    def _check(self, candidates: Iterable[str], given: bytes) -> None:
        """Compare with every candidate under every token, so that the time taken tells nothing."""
        try:
            texts = [candidate.encode() for candidate in candidates]
        except UnicodeEncodeError:  # half a surrogate pair: Twilio never signed that
            raise Forbidden("signature_mismatch") from None
        matches = [
            hmac.compare_digest(b64encode(hmac.digest(token, text, "sha1")), given)
            for token in self._tokens
            for text in texts
        ]
        if not any(matches):
            raise Forbidden("signature_mismatch")


def _reveal(token: SecretStr | str) -> str:
    return token.get_secret_value() if isinstance(token, SecretStr) else token


def _bases(base: SplitResult, schemes: Iterable[str]) -> tuple[str, ...]:
    """List the spellings of our own address: Twilio keeps or drops the port depending on product and scheme."""
    host = f"[{base.hostname}]" if ":" in (base.hostname or "") else base.hostname
    path = base.path.rstrip("/")
    return tuple(
        f"{scheme}://{host}{port}{path}"
        for scheme in schemes
        for port in ("", f":{base.port or _DEFAULT_PORTS[scheme]}")
    )


def _well_formed(signature: str | None) -> bytes:
    if not signature:
        raise Forbidden("signature_missing")
    if len(signature) != _SIGNATURE_CHARACTERS or not signature.isascii():
        raise Forbidden("signature_malformed")
    return signature.encode("ascii")


def _is_form(content_type: str | None) -> bool:
    return (content_type or "").partition(";")[0].strip().lower() == _FORM


def _sorted_fields(form: Sequence[tuple[str, str]]) -> str:
    """Join names and values as Twilio does: a repeated pair counts once, repeated names have their values sorted."""
    return "".join(name + value for name, value in sorted(set(form)))


def _check_body(path_and_query: str, raw_body: bytes) -> None:
    """Compare the body with the hash in the signed query; without a hash nobody vouches for it."""
    query = path_and_query.partition("?")[2]
    hashes = [value for name, value in parse_qsl(query) if name == "bodySHA256"]
    if len(hashes) != 1:
        raise Forbidden("body_unsigned")
    if not hmac.compare_digest(sha256(raw_body).hexdigest().encode(), hashes[0].encode()):
        raise Forbidden("body_altered")
