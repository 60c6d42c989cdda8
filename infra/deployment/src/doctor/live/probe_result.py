"""What a probe found, beside what the product assumes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ProbeResult:
    """One row.

    Args:
        probe: Its name, such as `P1 41 messages`.
        assumed: Whether it is as the product assumes; None where it could not be tried.
        found: What was found, or why it was not tried.
    """

    probe: str
    assumed: bool | None
    found: str

    def __str__(self) -> str:
        if self.assumed is None:
            return f"not tried: {self.found}"
        return f"as assumed: {self.found}" if self.assumed else f"different: {self.found}"
