"""Limit how often sessions may be started. No I/O. Each costs money, and anyone can request one."""

from collections import deque
from collections.abc import Callable, Iterable
from math import ceil
from typing import ClassVar

from agent_core.errors import PermissionRefused
from agent_core.sentence import Sentence
from webrtc_agent.networks import Network, network_of

WINDOW_SECONDS = 60.0


class TooOften(PermissionRefused):
    """A client, or all of them together, sent more requests than are served.

    Args:
        retry_after: Whole seconds until the next one may be sent.
    """

    http_status = 429
    spoken: ClassVar[str] = Sentence.PAGE_TOO_MANY

    def __init__(self, reason: str, retry_after: int) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class StartLimit:
    """Counts the sessions started within the last minute, per network and in total.

    Above ``total``, the networks that have started most are refused: the rest is shared fairly, first among wide
    networks, then within each. A few networks that start sessions endlessly do not lock others out.

    Args:
        per_address: Most per minute from one address.
        total: Starts per minute below which networks are not compared.
        clock: Monotonic seconds.
    """

    def __init__(self, per_address: int, total: int, clock: Callable[[], float]) -> None:
        self._per_address = per_address
        self._total = total
        self._clock = clock
        self._all: deque[float] = deque()
        self._by_network: dict[str, dict[str, deque[float]]] = {}

    def count(self, address: str) -> None:
        """Count one start. A refused one does not count: otherwise a flood would lock everyone out permanently.

        Raises:
            TooOften: the limit is reached.
        """
        self.check(address)
        network, now = network_of(address), self._clock()
        self._by_network.setdefault(network.wide, {}).setdefault(network.narrow, deque()).append(now)
        self._all.append(now)

    def refund(self, address: str) -> None:
        """Remove the latest start from the count: it was refused after all."""
        network = network_of(address)
        times = self._by_network.get(network.wide, {}).get(network.narrow)
        if times and self._all:
            times.pop()
            self._all.pop()

    def check(self, address: str) -> None:
        """Raise if no start could be counted now.

        Raises:
            TooOften: the limit is reached.
        """
        now = self._clock()
        self._forget(now)
        network = network_of(address)
        mine = self._by_network.get(network.wide, {}).get(network.narrow, deque())
        _check("address", mine, self._per_address, now)
        if not self._is_fair(network):
            _check("everybody", self._all, self._total, now)

    def _is_fair(self, network: Network) -> bool:
        """Return whether one more start of a network leaves it within its fair share."""
        if len(self._all) < self._total:
            return True
        # The start in question is included, or the busiest network would always have one more to go.
        wide = {name: sum(map(len, narrow.values())) for name, narrow in self._by_network.items()}
        wide[network.wide] = wide.get(network.wide, 0) + 1
        share = min(wide[network.wide], fair_share(wide.values(), self._total))
        narrow = {name: len(times) for name, times in self._by_network.get(network.wide, {}).items()}
        narrow[network.narrow] = narrow.get(network.narrow, 0) + 1
        return narrow[network.narrow] <= fair_share(narrow.values(), share)

    def _forget(self, now: float) -> None:
        _drop_old(self._all, now)
        for wide, narrow in list(self._by_network.items()):
            for name, times in list(narrow.items()):
                _drop_old(times, now)
                if not times:
                    del narrow[name]
            if not narrow:
                del self._by_network[wide]


def fair_share(wanted: Iterable[int], room: int) -> int:
    """Return the most that each may have so that all fit (max-min fairness).

    What small demands leave goes to the others.

    Args:
        wanted: How much each of them wants.
        room: How much there is.
    """
    amounts = sorted(wanted)
    # From the smallest demand upwards: the first one above an equal split of the rest fixes the share.
    for left, amount in zip(range(len(amounts), 0, -1), amounts, strict=True):
        if amount > room // left:
            return room // left
        room -= amount
    return amounts[-1] if amounts else room


def _drop_old(times: deque[float], now: float) -> None:
    while times and now - times[0] >= WINDOW_SECONDS:
        times.popleft()


def _check(whose: str, times: deque[float], limit: int, now: float) -> None:
    if len(times) >= limit:
        raise TooOften(f"starts of {whose}", max(1, ceil(times[-limit] + WINDOW_SECONDS - now)))
