"""A script of faults that a stand-in applies in order."""

from typing import Protocol


class Planned(Protocol):
    """A fault of any stand-in."""

    times: int | None
    """Number of responses to spoil; ``None`` for all from now on."""

    @property
    def on(self) -> str:
        """Which responses: ``any``, or a name that the stand-in defines."""


class FaultSchedule[F: Planned]:
    """Faults that are used up as responses are sent."""

    def __init__(self) -> None:
        self.faults: list[F] = []

    def take(self, name: str) -> F | None:
        """Return the first fault for this response, and count it."""
        for fault in self.faults:
            if fault.on in ("any", name):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                return fault
        return None
