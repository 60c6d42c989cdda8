"""Header changes of the load balancer. No I/O.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html and
load-balancer-request-tracing.html.
"""

import re
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

type Headers = list[tuple[bytes, bytes]]

_VALID_NAME = re.compile(rb"[-A-Za-z0-9]+")
_FORWARDED_FOR = b"x-forwarded-for"
_TRACE = b"x-amzn-trace-id"
_REPLACED = frozenset({_FORWARDED_FOR, b"x-forwarded-proto", b"x-forwarded-port", _TRACE})
_LARGEST_HEADER = 16 * 1024
_LARGEST_HEAD = 64 * 1024
_OF_ONE_CONNECTION = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"te", b"upgrade"})


@dataclass(frozen=True, slots=True)
class RequestOrigin:
    """How a request reached the load balancer."""

    address: str
    protocol: str
    """``http`` or ``https``."""
    port: int


@dataclass(frozen=True, slots=True)
class HeaderRules:
    """The load balancer's attributes for headers."""

    drops_invalid: bool = True
    forwarded_for: str = "append"


def is_upgrade(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether a request or a response upgrades to WebSocket."""
    return any(name.lower() == b"upgrade" and value.lower() == b"websocket" for name, value in headers)


def to_target(headers: Sequence[tuple[bytes, bytes]], arrival: RequestOrigin, rules: HeaderRules) -> Headers:
    """Return the headers for the target; Host stays as the client sent it."""
    # Headers that the load balancer sets itself must not come from a client.
    kept = [(name, value) for name, value in through(headers) if name.lower() not in _REPLACED]
    if rules.drops_invalid:
        kept = [(name, value) for name, value in kept if _VALID_NAME.fullmatch(name)]
    forwarded = _forwarded_for(_values(headers, _FORWARDED_FOR), arrival.address, rules.forwarded_for)
    return [
        *kept,
        # HTTP/1.0 needs no Host, but the request to the target is HTTP/1.1 and does.
        *([] if _values(headers, b"host") else [(b"Host", f"localhost:{arrival.port}".encode())]),
        *([(b"X-Forwarded-For", forwarded)] if forwarded else []),
        (b"X-Forwarded-Proto", arrival.protocol.encode()),
        (b"X-Forwarded-Port", str(arrival.port).encode()),
        (b"X-Amzn-Trace-Id", _trace(_values(headers, _TRACE))),
    ]


def through(headers: Sequence[tuple[bytes, bytes]]) -> Headers:
    """Remove hop-by-hop headers, except for an upgrade to WebSocket."""
    if not is_upgrade(headers):
        return [(name, value) for name, value in headers if name.lower() not in _OF_ONE_CONNECTION]
    # A WebSocket handshake needs Upgrade, which is a hop-by-hop header.
    kept = [(name, value) for name, value in headers if name.lower() not in _OF_ONE_CONNECTION - {b"upgrade"}]
    return [*kept, (b"Connection", b"Upgrade")]


def too_large(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether a request's headers exceed the load balancer's limits, individually or in total."""
    sizes = [len(name) + len(value) for name, value in headers]
    return any(size > _LARGEST_HEADER for size in sizes) or sum(sizes) > _LARGEST_HEAD


def _values(headers: Sequence[tuple[bytes, bytes]], wanted: bytes) -> list[bytes]:
    return [value for name, value in headers if name.lower() == wanted]


def _forwarded_for(given: list[bytes], address: str, mode: str) -> bytes:
    match mode:
        case "remove":
            return b""
        case "preserve":
            return b", ".join(given)
        case _:
            return b", ".join([*given, address.encode()])


def _trace(given: list[bytes]) -> bytes:
    """Return the trace ID of a request; keep the client's own ID in it."""
    # A client's own Root is kept, and the load balancer adds itself.
    ours = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}".encode()
    fields = [field for field in b";".join(given).split(b";") if field and not field.startswith(b"Self=")]
    if any(field.startswith(b"Root=") for field in fields):
        return b";".join([b"Self=" + ours, *fields])
    return b";".join([b"Root=" + ours, *fields])
