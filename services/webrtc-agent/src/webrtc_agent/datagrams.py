"""Limit the datagrams that reach a visitor's connection, before they are processed.

aioice parses everything sent to its port, answers what looks like STUN, and queues the rest without bound, even before
a visitor has been authenticated.
"""

from collections.abc import Callable
from typing import Any

from agent_core.token_bucket import TokenBucket

BURST = 1000
"""Datagrams of the visitor that may arrive at once: six seconds that a network has held back."""
PER_SECOND = 300.0
"""Datagrams: a browser sends 50 to 100 of audio, a few reports, and one per message or acknowledgement."""
UNKNOWN_BURST = 200
UNKNOWN_PER_SECOND = 50.0
"""Datagrams of all others: checks of 50 addresses while the connection is set up, then none."""
MAX_BYTES = 2048
"""Largest datagram: none exceeds a network's MTU, and DTLS fits its records to it."""


class DatagramDoor:
    """Filters one socket of a connection.

    Args:
        protocol: aioice's, which receives datagrams; its method is replaced by a filtered one.
        clock: Monotonic seconds.
        shortcut: Processes a datagram of the visitor and returns True, or leaves it to aioice.
    """

    def __init__(
        self,
        protocol: Any,  # noqa: ANN401 - its method is replaced
        clock: Callable[[], float],
        shortcut: Callable[[bytes], bool] = lambda _: False,
    ) -> None:
        self._nominated = protocol.receiver._nominated  # noqa: SLF001 - nothing else identifies the visitor
        self._clock = clock
        self._shortcut = shortcut
        self.heard_at = clock()
        """When the visitor's browser last sent anything, even only a check of the path (RFC 7675)."""
        self._visitor = TokenBucket(clock, BURST, PER_SECOND)
        self._unknown = TokenBucket(clock, UNKNOWN_BURST, UNKNOWN_PER_SECOND)
        self._take, protocol.datagram_received = protocol.datagram_received, self._admit

    def _admit(self, data: bytes, address: tuple[Any, ...]) -> None:
        # Separate budgets: a stranger who sends to this port takes nothing from the visitor.
        is_visitor = self._is_visitor(address)
        if is_visitor:
            self.heard_at = self._clock()
        credit = self._visitor if is_visitor else self._unknown
        if len(data) > MAX_BYTES or not credit.spend():
            return
        # Audio of others, such as before a path is chosen, is rare enough for the long way.
        if not (is_visitor and self._shortcut(data)):
            self._take(data, address)

    def _is_visitor(self, address: tuple[Any, ...]) -> bool:
        return any(pair.remote_addr == (address[0], address[1]) for pair in self._nominated.values())
