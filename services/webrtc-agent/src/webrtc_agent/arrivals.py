"""Visitors who are on their way: answered, but not there yet. No I/O.

They hold no place: that would let anybody keep a task full who asks for conversations and comes to none. Their number
is bounded, and when it is reached, those of the busiest network make room for others, as half-open connections of TCP
do.
"""

from collections import Counter
from collections.abc import Callable
from math import ceil

from webrtc_agent.limits import TooOften
from webrtc_agent.networks import Network, network_of


class TooManyArriving(TooOften):
    """Others are on their way, and have not had the time yet that it takes."""

    spoken = "Others of your network are just being connected. Please try again in a few seconds."


class ExpectedArrival:
    """One visitor on the way."""

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
        """Set what is called, once, when this visitor has to make room; at once if that has happened."""
        self._give_up = give_up
        if self._displaced:
            give_up()

    def displace(self) -> None:
        """Make room for another."""
        self._displaced = True
        self.settle()
        if self._give_up is not None:
            self._give_up()

    def settle(self) -> None:
        """Be no longer on the way: the visitor is there, or will never be. May be repeated."""
        self._leave(self)


class Arrivals:
    """Counts them.

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
        """Count those who are on their way."""
        return len(self._waiting)

    def expect(self, address: str, patience: float) -> ExpectedArrival:
        """Expect one more, in place of another where there are as many as there may be.

        Args:
            address: Where the visitor comes from.
            patience: Seconds that this one may take without making room for others who ask for no more.

        Raises:
            TooManyArriving: the others have not had their time yet.
        """
        network, now = network_of(address), self._clock()
        of_address = [each for each in self._waiting if each.network.narrow == network.narrow]
        if len(of_address) >= self._per_address:
            _displace(of_address[0], now)
        elif len(self._waiting) >= self._at_once:
            self._displace_busiest(network, now)
        arrival = ExpectedArrival(network, now, patience, self._left)
        self._waiting[arrival] = None
        return arrival

    def _displace_busiest(self, network: Network, now: float) -> None:
        """Let the oldest of the busiest client, of the busiest wide network, make room."""
        wide = Counter(each.network.wide for each in self._waiting)
        crowd = max(wide, key=lambda name: wide[name])
        narrow = Counter(each.network.narrow for each in self._waiting if each.network.wide == crowd)
        client = max(narrow, key=lambda name: narrow[name])
        oldest = next(each for each in self._waiting if each.network.narrow == client)
        ahead = narrow[client] - narrow[network.narrow] if crowd == network.wide else wide[crowd] - wide[network.wide]
        if ahead > 1:  # even with one fewer they have no less than the newcomer's network
            oldest.displace()
        else:
            _displace(oldest, now)

    def _left(self, arrival: ExpectedArrival) -> None:
        self._waiting.pop(arrival, None)


def _displace(oldest: ExpectedArrival, now: float) -> None:
    """Let a visitor make room who has had the time that it takes."""
    left = oldest.since + oldest.patience - now
    if left > 0:
        raise TooManyArriving("visitors on their way", max(1, ceil(left)))
    oldest.displace()
