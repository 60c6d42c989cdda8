"""The result of a probe, compared with what the product assumes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ProbeResult:
    """One row.

    Args:
        probe: Its name, such as `P1 41 messages`.
        assumed: Whether the product's assumption holds; None if it could not be tested.
        found: What was found, or why it was not tested.
    """

    probe: str
    assumed: bool | None
    found: str

    def __str__(self) -> str:
        if self.assumed is None:
            return f"not tested: {self.found}"
        return f"as assumed: {self.found}" if self.assumed else f"different: {self.found}"
