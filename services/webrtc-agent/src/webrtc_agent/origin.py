"""Decide which pages may start sessions. No I/O.

A page of another site could otherwise start sessions at our cost from each of its visitors' browsers. Browsers send the
page's origin with every POST; a client that sends none is not a page: a native app, or a script, which could forge any
origin.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from agent_core.errors import Forbidden

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class AllowedOrigins:
    """The page's own origin and those of the settings.

    Args:
        base_url: Public URL of this service.
        others: Further origins, ``https://host[:port]``.
    """

    def __init__(self, base_url: str, others: Iterable[str]) -> None:
        self._base_url = base_url
        self._own = frozenset(_same_place(_origin(base_url)))
        self._origins = {_origin(other) for other in others} | self._own

    def check(self, origin: str | None) -> None:
        """Reject a page of another site.

        Args:
            origin: The request's ``Origin``, if it has one.

        Raises:
            Forbidden: the page is not ours.
        """
        if origin is not None and origin.lower() not in self._origins:
            raise Forbidden("another_origin")

    def check_own(self, origin: str | None) -> None:
        """Reject everything but this service's own page, also native apps and scripts.

        Raises:
            Forbidden: the request does not come from it.
        """
        if origin is None or origin.lower() not in self._own:
            raise Forbidden("another_origin")

    def address(self, origin: str | None) -> str:
        """Return this service's URL for a client.

        A page of this service may be open at ``localhost`` while the settings say ``127.0.0.1``; to its browser the
        other name would be another site.
        """
        return origin.lower() if origin is not None and origin.lower() in self._own else self._base_url


def _same_place(origin: str) -> list[str]:
    """Return the equivalent names of an origin: people type ``localhost`` for ``127.0.0.1``."""
    parts = urlsplit(origin)
    if (parts.hostname or "") not in ("localhost", "127.0.0.1", "::1"):
        return [origin]
    port = "" if parts.port is None else f":{parts.port}"
    return [f"{parts.scheme}://{name}{port}" for name in _LOOPBACK]


def _origin(url: str) -> str:
    """Reduce a URL to what browsers send: lower case, no path, no default port."""
    parts = urlsplit(url.lower())
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, default) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
