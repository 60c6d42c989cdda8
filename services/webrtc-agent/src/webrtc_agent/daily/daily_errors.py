"""Define how requests to Daily fail."""

from agent_core.errors import UpstreamError


class DailyFailed(UpstreamError):
    """A request to Daily failed.

    Args:
        reason: A constant: ``timeout``, ``status_429``, ``malformed_answer``…
        again: Whether the same request may succeed later.
        in_doubt: Whether it may have been executed, only its response being lost.
        retry_after: Seconds to wait before a retry, if Daily named some.
    """

    def __init__(self, reason: str, *, again: bool, in_doubt: bool, retry_after: float | None = None) -> None:
        super().__init__("daily", reason, retry_after=retry_after)
        self.again = again
        self.in_doubt = in_doubt
