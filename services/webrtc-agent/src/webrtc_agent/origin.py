"""Which pages may start sessions, without I/O.

A page of another site could otherwise open sessions at our cost from each of its visitors' browsers. Browsers name the
page's origin on every POST; what sends none is no page: a native app, or a script, which could name any.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from agent_core.errors import Forbidden

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class AllowedOrigins:
    """The page's own origin and those of the settings.

    Args:
        base_url: How the outside reaches this service.
        others: Further origins, ``https://host[:port]``.
    """

    def __init__(self, base_url: str, others: Iterable[str]) -> None:
        self._base_url = base_url
        self._own = frozenset(_same_place(_origin(base_url)))
        self._origins = {_origin(other) for other in others} | self._own

    def check(self, origin: str | None) -> None:
        """Refuse a page of another site.

        Args:
            origin: The request's ``Origin``, if it has one.

        Raises:
            Forbidden: the page is none of ours.
        """
        if origin is not None and origin.lower() not in self._origins:
            raise Forbidden("another_origin")

    def address(self, origin: str | None) -> str:
        """Return this service's address for a client.

        A page of this service may know it as ``localhost`` where the settings say ``127.0.0.1``; the other name would
        be another site to its browser.
        """
        return origin.lower() if origin is not None and origin.lower() in self._own else self._base_url


def _same_place(origin: str) -> list[str]:
    """Give the names of an origin: people type ``localhost`` where we wrote ``127.0.0.1``."""
    parts = urlsplit(origin)
    if (parts.hostname or "") not in ("localhost", "127.0.0.1", "::1"):
        return [origin]
    port = "" if parts.port is None else f":{parts.port}"
    return [f"{parts.scheme}://{name}{port}" for name in _LOOPBACK]


def _origin(url: str) -> str:
    """Cut a URL down to what browsers send: lower case, no path, no default port."""
    parts = urlsplit(url.lower())
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, default) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
