"""Track visitors who are connecting: answered, but not connected yet. No I/O.

They hold no slot: otherwise a client that requests sessions and never connects could keep a task full. Their number is
bounded; when it is reached, visitors of the busiest network are displaced, as TCP does with half-open connections.
"""

from collections import Counter
from collections.abc import Callable
from math import ceil
from typing import ClassVar

from agent_core.sentence import Sentence
from webrtc_agent.limits import TooOften
from webrtc_agent.networks import Network, network_of


class TooManyArriving(TooOften):
    """Other visitors are connecting, and have not used up their time yet."""

    spoken: ClassVar[str] = Sentence.PAGE_NETWORK_BUSY


class ExpectedArrival:
    """One connecting visitor."""

    def __init__(
        self, network: Network, since: float, patience: float, leave: "Callable[[ExpectedArrival], None]"
    ) -> None:
        self.network = network
        self.since = since
        self.patience = patience
        self._leave = leave
        self._displaced = False
        self._give_up: Callable[[], None] | None = None

    def when_displaced(self, give_up: Callable[[], None]) -> None:
        """Set the function called, once, when this visitor is displaced; call it at once if that has happened."""
        self._give_up = give_up
        if self._displaced:
            give_up()

    def displace(self) -> None:
        """Displace this visitor for another one."""
        self._displaced = True
        self.settle()
        if self._give_up is not None:
            self._give_up()

    def settle(self) -> None:
        """Stop counting this visitor: they are connected, or never will be. Idempotent."""
        self._leave(self)


class Arrivals:
    """Counts connecting visitors.

    Args:
        at_once: Most at a time.
        per_address: Most at a time from one address.
        clock: Monotonic seconds.
    """

    def __init__(self, at_once: int, per_address: int, clock: Callable[[], float]) -> None:
        self._at_once = at_once
        self._per_address = per_address
        self._clock = clock
        self._waiting: dict[ExpectedArrival, None] = {}

    def __len__(self) -> int:
        """Return the number of connecting visitors."""
        return len(self._waiting)

    def expect(self, address: str, patience: float) -> ExpectedArrival:
        """Expect one more visitor, and displace another one if the limit is reached.

        Args:
            address: The visitor's address.
            patience: Seconds that this visitor may take before they can be displaced.

        Raises:
            TooManyArriving: the others have not used up their time yet.
        """
        network, now = network_of(address), self._clock()
        of_address = [each for each in self._waiting if each.network.narrow == network.narrow]
        # An address at its own limit displaces only its own visitors.
        if len(of_address) >= self._per_address:
            _displace(of_address[0], now)
        elif len(self._waiting) >= self._at_once:
            self._displace_busiest(network, now)
        arrival = ExpectedArrival(network, now, patience, self._left)
        self._waiting[arrival] = None
        return arrival

    def _displace_busiest(self, network: Network, now: float) -> None:
        """Displace the oldest visitor of the busiest client of the busiest wide network."""
        wide = Counter(each.network.wide for each in self._waiting)
        crowd = max(wide, key=lambda name: wide[name])
        narrow = Counter(each.network.narrow for each in self._waiting if each.network.wide == crowd)
        client = max(narrow, key=lambda name: narrow[name])
        oldest = next(each for each in self._waiting if each.network.narrow == client)
        ahead = narrow[client] - narrow[network.narrow] if crowd == network.wide else wide[crowd] - wide[network.wide]
        if ahead > 1:  # even with one fewer they have at least as many as the newcomer's network
            oldest.displace()
        else:
            _displace(oldest, now)

    def _left(self, arrival: ExpectedArrival) -> None:
        self._waiting.pop(arrival, None)


def _displace(oldest: ExpectedArrival, now: float) -> None:
    """Displace a visitor who has used up their time; raise for one who has not."""
    left = oldest.since + oldest.patience - now
    if left > 0:
        raise TooManyArriving("visitors on their way", max(1, ceil(left)))
    oldest.displace()
