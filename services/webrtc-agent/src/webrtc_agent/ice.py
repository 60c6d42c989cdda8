"""Which of this machine's addresses are offered for peer-to-peer sound."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address

import aioice.ice


def offer_only(hosts: Sequence[IPv4Address | IPv6Address]) -> None:
    """Offer these addresses from now on, in this whole process; none leaves it as it is.

    aioice has no setting for this. By itself it offers the addresses of all interfaces except loopback, so that a
    machine without a network could not talk with itself.
    """
    if not hosts:
        return

    def addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:  # noqa: FBT001 - the signature of what it replaces
        wanted = {4: use_ipv4, 6: use_ipv6}
        return [str(host) for host in hosts if wanted[host.version]]

    aioice.ice.get_host_addresses = addresses
