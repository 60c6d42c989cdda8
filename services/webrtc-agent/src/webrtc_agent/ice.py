"""Choose which of this machine's addresses are offered for peer-to-peer audio."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

import aioice.ice


def offer_only(hosts: Sequence[IPv4Address | IPv6Address]) -> None:
    """Offer these addresses from now on, in the whole process; an empty list changes nothing.

    aioice has no setting for this. By default it offers the addresses of all interfaces except loopback, so that a
    machine without a network could not talk to itself.
    """
    if not hosts:
        return

    def addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:  # noqa: FBT001 - the signature of what it replaces
        wanted = {4: use_ipv4, 6: use_ipv6}
        return [str(host) for host in hosts if wanted[host.version]]

    aioice.ice.get_host_addresses = addresses


def advertise(sdp: str, hosts: Sequence[IPv4Address | IPv6Address]) -> str:
    """Add further addresses at which an answer's ports are reachable, such as a container's published ports.

    Args:
        sdp: The answer. Its own addresses stay preferred: on Linux a browser reaches a container directly.
        hosts: The others; each is added for every address of its IP version.
    """
    if not hosts:
        return sdp
    return "".join(each for line in sdp.splitlines(keepends=True) for each in (line, *_copies(line, hosts)))


def _copies(line: str, hosts: Sequence[IPv4Address | IPv6Address]) -> Iterator[str]:
    """Return copies of one of our own candidates for other addresses. Source: RFC 8839, section 5.1."""
    if not line.startswith("a=candidate:"):
        return
    # RFC 8839 fixes the order of the first fields.
    foundation, component, protocol, priority, address, rest = line.split(" ", 5)
    if rest.split()[1:3] != ["typ", "host"]:
        return
    for number, host in enumerate(hosts, start=1):
        if host.version == ip_address(address).version:
            # Within one component, no two candidates may have the same priority.
            yield " ".join([f"{foundation}{number}", component, protocol, str(int(priority) - number), str(host), rest])
