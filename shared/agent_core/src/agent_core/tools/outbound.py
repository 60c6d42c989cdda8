"""Decide to which addresses a tool may connect, and connect to exactly the address that was checked.

A tool's URL is the operator's, but the owner of a name can point it anywhere, and a server can redirect. A task's own
credentials are one request away, at a link-local address. So a name is resolved once for each connection, every address
of it is checked, and the connection goes to a checked one: what the name resolves to a moment later does not matter.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import urlsplit

from agent_core.errors import UpstreamError

RESOLVE_SECONDS: Final = 2.0
"""Longest wait for a name: less than a tool's deadline."""
_MOST_ADDRESSES: Final = 32
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_NAME: Final = re.compile(r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PORTS: Final = {"https": 443, "http": 80}

type Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a name."""


class NotReachable(UpstreamError):
    """The address is none that a tool may use."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads.

    Attributes:
        scheme: ``https``, or ``http`` for a private host.
        host: Lower case.
        port: Stated or usual one.
    """

    scheme: str
    host: str
    port: int

    @property
    def place(self) -> str:
        """Host and port, as in the setting ``TOOL_PRIVATE_HOSTS``."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Outbound:
    """What tools may reach.

    Attributes:
        private_hosts: ``host:port`` of servers with a private address that are allowed by name, such as a stand-in on
            this machine. Not even they may have a link-local address, where a task's credentials are.
        resolve: Returns the addresses of a name.
    """

    private_hosts: frozenset[str] = frozenset()
    resolve: Resolve | None = None

    def target(self, url: str) -> Target:
        """Return where a URL leads.

        Raises:
            ValueError: a tool may not use it; the reason says what is right.
        """
        # Python strips tabs and newlines before it parses, servers do not.
        if not url.isascii() or re.search(r"[\s\\\x00-\x1f\x7f]", url):
            raise ValueError("a URL has no spaces, backslashes or letters outside ASCII")
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError("the URL must be https://host/path")
        # "https://good.example@127.0.0.1/" leads to the part that a reader takes for the path.
        if "@" in parts.netloc:
            raise ValueError("the URL must not contain a user or a password; use headers with $NAME of a secret")
        host = parts.hostname.lower()
        target = Target(parts.scheme, host, parts.port or _PORTS[parts.scheme])
        if target.place in self.private_hosts:
            return target
        if parts.scheme != "https":
            raise ValueError("the URL must begin with https://")
        # Numbers in any spelling (decimal, octal, hexadecimal, IPv6) are no names.
        if not _NAME.fullmatch(host) or host.endswith((".localhost", ".local", ".internal")):
            raise ValueError(f"the host must be a public name such as api.example.com, not {host[:60]}")
        return target

    async def address(self, target: Target) -> str:
        """Resolve a target and return the address to connect to.

        Raises:
            NotReachable: one of its addresses is not public, or it has none.
        """
        resolve = self.resolve or _resolve
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                found = await resolve(target.host, target.port)
        except (OSError, TimeoutError) as error:
            raise _refused(target, "name_not_resolved") from error
        addresses = [ipaddress.ip_address(each.partition("%")[0]) for each in found[:_MOST_ADDRESSES]]
        if not addresses:
            raise _refused(target, "name_not_resolved")
        # All of them: a name with one public and one private address is an attack, not a mistake.
        allowed = _is_private if target.place in self.private_hosts else is_public
        if not all(allowed(each) for each in addresses):
            raise _refused(target, "address_not_public")
        return str(addresses[0])


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is a server's in the Internet; the IPv4 address inside an IPv6 one decides."""
    if isinstance(address, IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour
        # Teredo carries the address of a relay's client, which no server has.
        if address.teredo is not None:
            return False
        if address in _NAT64:
            inside = IPv4Address(int(address) & 0xFFFF_FFFF)
        if inside is not None:
            return is_public(inside)
        # ::127.0.0.1, the form that mapped addresses replaced, and fec0::/10, which Python takes for global.
        if int(address) < 1 << 96 or address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _is_private(address: IPv4Address | IPv6Address) -> bool:
    inside = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    known = inside or address
    return is_public(known) or (known.is_private and not (known.is_link_local or known.is_unspecified))


async def _resolve(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


def _refused(target: Target, reason: str) -> NotReachable:
    error = NotReachable("tool", reason)
    error.host = target.host
    return error
