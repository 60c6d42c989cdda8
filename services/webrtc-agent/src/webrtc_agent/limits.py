"""How often sessions may be started, without I/O. Every one costs money, and anybody can ask for one."""

import ipaddress
from collections import deque
from collections.abc import Callable
from math import ceil

from agent_core.errors import Refused

WINDOW_SECONDS = 60.0


class TooOften(Refused):
    """Too many sessions were started in the last minute.

    Args:
        retry_after: Whole seconds until the next one may start.
    """

    http_status = 429
    spoken = "Too many sessions were started in the last minute. Please try again in a moment."

    def __init__(self, reason: str, retry_after: int) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class StartLimit:
    """Counts the sessions started within the last minute, by address and in total.

    It remembers at most as many addresses as may start a session in a minute.

    Args:
        per_address: Most in a minute from one address.
        total: Most in a minute from all.
        clock: Monotonic seconds.
    """

    def __init__(self, per_address: int, total: int, clock: Callable[[], float]) -> None:
        self._per_address = per_address
        self._total = total
        self._clock = clock
        self._all: deque[float] = deque()
        self._by_address: dict[str, deque[float]] = {}

    def count(self, address: str) -> None:
        """Count one start. One that is refused does not count: a flood must not keep everybody out for ever.

        Raises:
            TooOften: not now.
        """
        now = self._clock()
        self._forget(now)
        network = network_of(address)
        mine = self._by_address.get(network, deque())
        _check("address", mine, self._per_address, now)
        _check("everybody", self._all, self._total, now)
        self._by_address[network] = mine
        mine.append(now)
        self._all.append(now)

    def _forget(self, now: float) -> None:
        for times in (self._all, *self._by_address.values()):
            while times and now - times[0] >= WINDOW_SECONDS:
                times.popleft()
        for network in [network for network, times in self._by_address.items() if not times]:
            del self._by_address[network]


def _check(whose: str, times: deque[float], limit: int, now: float) -> None:
    if len(times) >= limit:
        raise TooOften(f"starts of {whose}", max(1, ceil(times[-limit] + WINDOW_SECONDS - now)))


def network_of(address: str) -> str:
    """Name whom an address belongs to: one IPv4 address, but a whole /64, which is the least an IPv6 customer gets."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
