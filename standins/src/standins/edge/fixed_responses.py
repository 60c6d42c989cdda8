"""Responses of the load balancer itself. No I/O."""

from http import HTTPStatus
from urllib.parse import urlsplit

from standins.edge.forwarded_headers import Headers
from standins.edge.rules import RedirectAction, path_of

CLIENT_CLOSED = 460
"""The client closed the connection before the response: not sent, but counted in access logs and metrics."""


class Unanswered(Exception):
    """The load balancer must respond instead of the target.

    Args:
        status: Status of the response.
        reason: A constant for the log.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def page(status: int) -> tuple[Headers, bytes]:
    """Return headers and body of an error response."""
    title = f"{status} {HTTPStatus(status).phrase}"
    # The page of a real Application Load Balancer, line endings included.
    body = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "</body>\r\n</html>\r\n"
    )
    return _headers(b"text/html", len(body)), body.encode()


def redirection(redirect: RedirectAction, target: str, host: str) -> tuple[Headers, bytes]:
    """Return headers and body of a redirect to the same host, path and query."""
    # The client's port is dropped: the redirect has its own.
    name = urlsplit(f"//{host}").hostname or ""
    query = target.partition("?")[2]
    location = f"{redirect.protocol.lower()}://{name}:{redirect.port}{path_of(target)}{query and f'?{query}'}"
    headers, body = page(redirect.status)
    return [*headers, (b"Location", location.encode("latin-1"))], body


def _headers(kind: bytes, length: int) -> Headers:
    return [(b"Server", b"awselb/2.0"), (b"Content-Type", kind), (b"Content-Length", str(length).encode())]
