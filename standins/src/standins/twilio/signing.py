"""Computes X-Twilio-Signature, implemented from Twilio's documentation and not with its library.

Tests compare it with the library: a mistake in one of two independent implementations shows up.
"""

import base64
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

WEBHOOK_HEADER = "X-Twilio-Signature"
HANDSHAKE_HEADER = "x-twilio-signature"
"""Twilio sends the header of the WebSocket handshake in lower case."""


SETTINGS_HEADER = "X-Twilio-Webhooks-Signature-Settings"
"""Sent if a shared key signs: its ID, and that the algorithm is HMAC-SHA256."""


@dataclass(frozen=True)
class Signer:
    """The secrets that an account signs with: its token, or a shared key if one is enabled."""

    auth_token: str = field(repr=False)
    shared_key_id: str = ""
    shared_key_secret: str = field(default="", repr=False)
    edge_header: tuple[str, str] | None = None
    """Name and value of a header in every request, by which a load balancer routes. Twilio sends none."""

    def headers(self, url: str, params: Iterable[tuple[str, str]] = (), *, lower: bool = False) -> dict[str, str]:
        """Return the headers that sign a request; with lower-case names for a WebSocket handshake."""
        headers = {WEBHOOK_HEADER: sign(self.auth_token, url, params)}
        if self.shared_key_id:
            signature = sign(self.shared_key_secret, url, params, "sha256")
            headers = {
                WEBHOOK_HEADER: signature,
                SETTINGS_HEADER: f"key={self.shared_key_id},algorithm=HMAC_SHA256",
            }
        headers |= dict([self.edge_header] if self.edge_header else [])
        return {name.lower(): value for name, value in headers.items()} if lower else headers


def sign(auth_token: str, url: str, params: Iterable[tuple[str, str]] = (), algorithm: str = "sha1") -> str:
    """Return the signature of a request: base64 of HMAC-SHA1 over the URL and the sorted form fields.

    A field that occurs more than once counts with each distinct value, in order.
    """
    # `set` removes duplicates of the same name and value, as Twilio's libraries do.
    fields = "".join(name + value for name, value in sorted(set(params)))
    digest = hmac.new(auth_token.encode(), (url + fields).encode(), algorithm).digest()
    return base64.b64encode(digest).decode()


def webhook_url_to_sign(url: str) -> str:
    """Return the URL as Twilio signs it for voice: no fragment, no user, and over HTTPS no port."""
    # Credentials in a URL are sent as a header and not signed.
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme == "https" and parts.port is not None:
        host = host.rpartition(":")[0]
    return urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
