"""Network impairments of the caller's audio on its way to the application."""

import random
from dataclasses import dataclass, field


@dataclass
class Trouble:
    """Drops, duplicates and reorders messages, and delays them to send several at once. Shares range from 0 to 1.

    A simplification: Twilio uses TCP, which only delays; drops and duplicates come from inside Twilio.
    """

    lost: float = 0.0
    doubled: float = 0.0
    swapped: float = 0.0
    burst: int = 1
    """Number of messages sent at once; 100 messages of 20 ms are two seconds."""
    seed: int = 7
    _held: list[str] = field(default_factory=list)
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def carry(self, text: str) -> list[str]:
        """Add a message, and return those that arrive now."""
        # A seeded generator, so that a failing run can be repeated.
        if not self._strikes(self.lost):
            self._held += [text, text] if self._strikes(self.doubled) else [text]
        if len(self._held) < self.burst:
            return []
        arrived, self._held = self._held, []
        # Only messages that arrive together can change places.
        for at in range(1, len(arrived)):
            if self._strikes(self.swapped):
                arrived[at - 1], arrived[at] = arrived[at], arrived[at - 1]
        return arrived

    def _strikes(self, share: float) -> bool:
        return self._chance.random() < share
