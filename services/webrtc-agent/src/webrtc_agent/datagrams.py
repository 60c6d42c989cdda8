"""How many datagrams reach a visitor's connection, before anything is made of them.

aioice parses what anybody sends to its port, answers it where it looks like STUN, and queues the rest without a bound,
also before a visitor has proven who they are.
"""

from collections.abc import Callable
from typing import Any

from agent_core.token_bucket import TokenBucket

BURST = 1000
"""Datagrams of the visitor that may come at once: six seconds that a network has held back."""
PER_SECOND = 300.0
"""Datagrams: a browser sends 50 to 100 of sound, a few reports, and one for each message or acknowledgement."""
UNKNOWN_BURST = 200
UNKNOWN_PER_SECOND = 50.0
"""Datagrams of all others: checks of 50 addresses while the connection comes about, then none."""
MAX_BYTES = 2048
"""One datagram: none is larger than a network carries whole, and DTLS makes its records fit."""


class DatagramDoor:
    """Stands before one socket of a connection.

    Args:
        protocol: aioice's, which takes datagrams; takes none from here on that was not let in.
        clock: Monotonic seconds.
    """

    def __init__(self, protocol: Any, clock: Callable[[], float]) -> None:  # noqa: ANN401 - its method is replaced
        self._nominated = protocol.receiver._nominated  # noqa: SLF001 - nothing else tells who the visitor is
        self._clock = clock
        self.heard_at = clock()
        """When the visitor's browser sent anything last, if only a check that the way still exists (RFC 7675)."""
        self._visitor = TokenBucket(clock, BURST, PER_SECOND)
        self._unknown = TokenBucket(clock, UNKNOWN_BURST, UNKNOWN_PER_SECOND)
        self._take, protocol.datagram_received = protocol.datagram_received, self._admit

    def _admit(self, data: bytes, address: tuple[Any, ...]) -> None:
        # A stranger who sends to this port takes nothing from the visitor.
        is_visitor = self._is_visitor(address)
        if is_visitor:
            self.heard_at = self._clock()
        credit = self._visitor if is_visitor else self._unknown
        if len(data) <= MAX_BYTES and credit.spend():
            self._take(data, address)

    def _is_visitor(self, address: tuple[Any, ...]) -> bool:
        return any(pair.remote_addr == (address[0], address[1]) for pair in self._nominated.values())
