"""Put a visitor's packets in order. No I/O.

aiortc's jitter buffer smooths playback for people: it passes a packet on when the next one has arrived, and waits for a
lost packet until fifteen later ones are there. From then on everything is 280 ms late, for the rest of the visit. A
model needs no smooth playback, so this one holds nothing back unless a packet is missing.
"""

from typing import Final

PATIENCE: Final = 3
"""Packets that may arrive before a missing one counts as lost: 60 ms. Networks that reorder swap neighbours."""
_NUMBERS: Final = 1 << 16
"""Sequence numbers of RTP (RFC 3550, section 5.1)."""
_LATE: Final = 100
"""A packet that many numbers back is no late one: the sender has started anew."""


class ReorderBuffer[T]:
    """Returns the packets of one source in the order of their sequence numbers."""

    def __init__(self) -> None:
        self._expected: int | None = None
        self._held: dict[int, T] = {}

    def add(self, number: int, packet: T) -> list[T]:
        """Add a packet, and return those whose turn has come; nothing if it is late or a duplicate."""
        # Nearly always: the expected packet, with none held back.
        if number == self._expected and not self._held:
            self._expected = (number + 1) % _NUMBERS
            return [packet]
        return self._add(number, packet)

    def _add(self, number: int, packet: T) -> list[T]:
        expected = number if self._expected is None else self._expected
        behind = (expected - number) % _NUMBERS
        if 0 < behind < _LATE or number in self._held:
            return []
        due: list[T] = []
        if _LATE <= behind < _NUMBERS // 2:
            due = self._flush(expected)
            expected = number
        self._held[number] = packet
        while self._held:
            while expected in self._held:
                due.append(self._held.pop(expected))
                expected = (expected + 1) % _NUMBERS
            if len(self._held) < PATIENCE:
                break
            # The missing ones are lost: continue with the first that is there.
            expected = self._nearest(expected)
        self._expected = expected
        return due

    def _flush(self, expected: int) -> list[T]:
        order = sorted(self._held, key=lambda number: (number - expected) % _NUMBERS)
        return [self._held.pop(number) for number in order]

    def _nearest(self, expected: int) -> int:
        return min(self._held, key=lambda number: (number - expected) % _NUMBERS)
