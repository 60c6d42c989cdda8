"""X-Twilio-Signature, written from Twilio's description and not from its library.

The library is the peer the tests hold this against: two readings of one page, so that no mistake cancels another.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

WEBHOOK_HEADER = "X-Twilio-Signature"
HANDSHAKE_HEADER = "x-twilio-signature"
"""Twilio writes the header of the WebSocket handshake in lower case."""


def sign(auth_token: str, url: str, params: Iterable[tuple[str, str]] = ()) -> str:
    """Sign a request: base64 of HMAC-SHA1 over the URL and the sorted form fields.

    A name that occurs more than once counts with each distinct value, in order.
    """
    fields = "".join(name + value for name, value in sorted(set(params)))
    digest = hmac.new(auth_token.encode(), (url + fields).encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def webhook_url_to_sign(url: str) -> str:
    """Return the URL as Twilio signs it for voice: no fragment, no user, and over HTTPS no port."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme == "https" and parts.port is not None:
        host = host.rpartition(":")[0]
    return urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
