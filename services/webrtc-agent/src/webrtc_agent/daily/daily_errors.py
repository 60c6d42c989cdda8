"""How Daily fails us."""

from agent_core.errors import UpstreamError


class DailyFailed(UpstreamError):
    """One request to Daily had no use.

    Args:
        reason: A constant: ``timeout``, ``status_429``, ``malformed_answer``…
        again: Whether the same request may succeed later.
        in_doubt: Whether it may have been carried out all the same, only its answer being lost.
        retry_after: Seconds to wait before it, if Daily named some.
    """

    def __init__(self, reason: str, *, again: bool, in_doubt: bool, retry_after: float | None = None) -> None:
        super().__init__("daily", reason, retry_after=retry_after)
        self.again = again
        self.in_doubt = in_doubt
