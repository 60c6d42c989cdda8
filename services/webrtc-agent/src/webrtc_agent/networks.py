"""Map an address to its owner, as far as the address tells. No I/O."""

import ipaddress
from functools import lru_cache
from typing import NamedTuple


class Network(NamedTuple):
    """The networks of a client."""

    wide: str
    """A network of which one customer may hold many addresses: a /24 of IPv4, a /48 of IPv6."""
    narrow: str
    """A network that counts as one client: one address of IPv4; a /64 of IPv6, the least that a customer gets."""


@lru_cache(maxsize=4096)
def network_of(address: str) -> Network:
    """Return the networks of an address; an invalid address is a network of its own."""
    try:
        # A link-local address may have a zone, which names an interface, not a client.
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        # A proxy's header may contain any text, so its length is bounded.
        return Network(address[:64], address[:64])
    # A socket for both families reports IPv4 clients in this form.
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if isinstance(ip, ipaddress.IPv4Address):
        return Network(_within(ip, 24), str(ip))
    return Network(_within(ip, 48), _within(ip, 64))


def _within(ip: ipaddress.IPv4Address | ipaddress.IPv6Address, prefix: int) -> str:
    return str(ipaddress.ip_network((ip, prefix), strict=False))
