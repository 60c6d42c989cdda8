"""Sticky sessions with the load balancer's own cookie.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/sticky-sessions.html. The cookie names one
target for a limited time, and every response renews it. Requests without it, and those whose target is draining or
unhealthy, are routed normally. A second cookie is for cross-site requests, over https only.
"""

import hashlib
import hmac
import re
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from email.utils import formatdate

from standins.edge.forwarded_headers import Headers

_KEPT_SECONDS = 7 * 24 * 3600
"""How long browsers keep the cookie; its own expiry is inside."""
_COOKIE = re.compile(rb"(?:^|;)\s*(?:AWSALB|AWSALBCORS)=([A-Za-z0-9_=-]+)")


class Stickiness:
    """Creates and verifies the cookies of one target group.

    Args:
        seconds: Validity of a cookie.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._key = secrets.token_bytes(32)

    def cookies(self, address: str) -> Headers:
        """Return the headers that bind a client to a target."""
        # Address and expiry are signed, so that no client can choose its target.
        claim = f"{address} {time.monotonic() + self._seconds}".encode()
        value = urlsafe_b64encode(self._seal(claim) + claim).decode()
        expires = formatdate(time.time() + _KEPT_SECONDS, usegmt=True)
        own = f"AWSALB={value}; Expires={expires}; Path=/"
        # The second cookie is for pages of other origins, which need SameSite=None.
        cross = f"AWSALBCORS={value}; Expires={expires}; Path=/; SameSite=None; Secure"
        return [(b"Set-Cookie", cookie.encode()) for cookie in (own, cross)]

    def address(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """Return the target in a request's cookie, if it is still valid."""
        for name, value in headers:
            if name.lower() == b"cookie" and (found := _COOKIE.search(value)):
                return self._opened(found[1])
        return None

    def _opened(self, value: bytes) -> str | None:
        try:
            sealed = urlsafe_b64decode(value)
        except ValueError:
            return None
        seal, claim = sealed[:32], sealed[32:]
        # Compare before parsing: nothing unsigned is looked at.
        if not hmac.compare_digest(seal, self._seal(claim)):
            return None
        address, _, until = claim.decode().partition(" ")
        return address if time.monotonic() < float(until) else None

    def _seal(self, claim: bytes) -> bytes:
        return hmac.digest(self._key, claim, hashlib.sha256)
