"""Which of this machine's addresses are offered for peer-to-peer sound."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

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


def advertise(sdp: str, hosts: Sequence[IPv4Address | IPv6Address]) -> str:
    """Name further addresses under which the ports of an answer are reached, as behind a container's published ports.

    Args:
        sdp: The answer. Its own addresses stay, and stay preferred: on Linux a browser reaches a container directly.
        hosts: The others; each is named for every address of its kind.
    """
    if not hosts:
        return sdp
    return "".join(each for line in sdp.splitlines(keepends=True) for each in (line, *_copies(line, hosts)))


def _copies(line: str, hosts: Sequence[IPv4Address | IPv6Address]) -> Iterator[str]:
    """Copy one of our own candidates for other addresses. Source: RFC 8839, section 5.1."""
    if not line.startswith("a=candidate:"):
        return
    foundation, component, protocol, priority, address, rest = line.split(" ", 5)
    if rest.split()[1:3] != ["typ", "host"]:
        return
    for number, host in enumerate(hosts, start=1):
        if host.version == ip_address(address).version:
            # Of one component, no two candidates may have the same priority.
            yield " ".join([f"{foundation}{number}", component, protocol, str(int(priority) - number), str(host), rest])
