"""The faults that a stand-in has still to show, in order."""

from typing import Protocol


class Planned(Protocol):
    """A fault of some stand-in."""

    times: int | None
    """How many answers it spoils; ``None`` for all from now on."""

    @property
    def on(self) -> str:
        """Which answers: ``any``, or a name that the stand-in knows."""


class FaultSchedule[F: Planned]:
    """Faults that are taken as answers come up."""

    def __init__(self) -> None:
        self.faults: list[F] = []

    def take(self, name: str) -> F | None:
        """Take the first fault that is meant for this answer."""
        for fault in self.faults:
            if fault.on in ("any", name):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                return fault
        return None
