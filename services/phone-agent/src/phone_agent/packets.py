"""Join the caller's small packets into larger ones, decoded for the model.

Twilio sends 20 ms at a time, and the cost of a model event hardly depends on its length: 40 ms packets reduce the cost
of the path to the model by a quarter to a half and add 0 to 20 ms of delay.
"""

from typing import Final

from phone_agent import ulaw

_SAMPLES_PER_MS: Final = 8


class Packetizer:
    """Cuts a stream of µ-law, in pieces of any length, into PCM packets of equal length.

    Args:
        frame_ms: Length of a packet.
    """

    def __init__(self, frame_ms: int = 40) -> None:
        if frame_ms <= 0:
            raise ValueError("a packet must have a length")
        self._size = frame_ms * _SAMPLES_PER_MS
        self._held = b""

    def push(self, codes: bytes) -> list[bytes]:
        """Add µ-law codes; return the packets that became full, as 16-bit little-endian PCM."""
        held = self._held + codes
        full = len(held) - len(held) % self._size
        self._held = held[full:]
        return [ulaw.decode(held[at : at + self._size]) for at in range(0, full, self._size)]
