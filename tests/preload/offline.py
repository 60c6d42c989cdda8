"""Close the network to everything but this machine, for the tests and for every Python they start.

The tests put this folder on PYTHONPATH, so that a subprocess which inherits the environment imports it on start. An
audit hook sees each connection and each look-up that Python makes, in any thread and under any event loop written in
Python. It does not see native code that opens its own sockets (awscrt, uvloop): the tests give those no credentials,
and loopback addresses only.
"""

import ipaddress
import sys
from typing import Any

_ADDRESSED = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getnameinfo"}
_NAMED = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}

attempts: list[str] = []
"""The blocked addresses. The fixture detects an attempt even if the code under test swallowed the error."""


class NetworkClosedError(RuntimeError):
    """A test tried to leave this machine. Not an OSError: code that expects an unreachable service must not hide it."""


def is_here(host: str | bytes | None) -> bool:
    """Return whether a host is this machine: a loopback or unspecified address, or the name localhost."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host or ""
    if name in {"", "localhost"} or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _ADDRESSED:
        address = arguments[-1]
        host = address[0] if isinstance(address, tuple) else ""  # a path is a Unix socket, None an address known before
    elif event in _NAMED:
        host = arguments[0]
    else:
        return
    if not is_here(host):
        attempts.append(f"{event} {host}")
        msg = f"{event} {host}: tests reach only this machine; start a stand-in and use its port"
        raise NetworkClosedError(msg)


sys.addaudithook(_refuse)
