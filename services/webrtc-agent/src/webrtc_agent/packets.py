"""How much sound a visitor may send, packet by packet, before it is decoded.

aiortc keeps numbers about every source that it ever heard of, and reports on all of them; a peer can name four
thousand million. It decodes whatever comes, as fast as it comes.
"""

from collections.abc import Callable
from typing import Any

from agent_core.credit import Credit

MAX_SOURCES = 8
"""A client has one microphone, and seldom another number for it."""
BURST = 300
"""Packets that may come at once: six seconds of sound that a network has held back."""
PER_SECOND = 120.0
"""Packets: a browser sends 50, a client with the shortest ones 100."""


class SoundDoor:
    """Stands before what decodes a visitor's sound.

    Args:
        router: What shares packets out; passes nothing on from here on that was not let in.
        clock: Monotonic seconds.
    """

    def __init__(self, router: Any, clock: Callable[[], float]) -> None:  # noqa: ANN401 - its method is replaced
        self._router = router
        self._credit = Credit(clock, BURST, PER_SECOND)
        self._route, router.route_rtp = router.route_rtp, self._admit

    def _admit(self, packet: Any) -> Any:  # noqa: ANN401 - aiortc's packet, and who takes it
        known = self._router.ssrc_table
        if packet.ssrc not in known and len(known) >= MAX_SOURCES:
            return None
        return self._route(packet) if self._credit.spend() else None
