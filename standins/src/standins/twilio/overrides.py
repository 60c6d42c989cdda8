"""Parses connection overrides in the fragment of a webhook URL: timeouts and retries. No I/O.

Source: twilio.com/docs/usage/webhooks/webhooks-connection-overrides. The defaults are one retry if the connection
failed (``rc=1``, ``rp=ct``), and 15 seconds in total. ``e`` and ``sni`` are not supported.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

import httpx

_CONNECT_SECONDS: Final = 5.0
_LONGEST_CONNECT: Final = 10.0
_MOST_TRIES: Final = 5
_POLICIES: Final = frozenset({"ct", "rt", "4xx", "5xx", "all"})


@dataclass(frozen=True)
class Overrides:
    """Timeouts and retries of one webhook.

    Attributes:
        connect: Timeout for the connection, in seconds.
        read: Timeout for the response, in seconds.
        retries: Maximum number of retries.
        policies: Failures to retry: ``ct``, ``rt``, ``4xx``, ``5xx``.
        total: Timeout for all attempts together, in seconds.
    """

    connect: float
    read: float
    retries: int
    policies: frozenset[str]
    total: float

    def tries_again(self, failure: httpx.HTTPError | int) -> bool:
        """Return whether to retry after a response with this status, or after this exception."""
        return _kind(failure) in self.policies


def read(fragment: str, seconds: float) -> Overrides:
    """Parse a fragment such as ``ct=2000&rc=3&rp=ct,5xx``; missing values keep their default.

    Args:
        fragment: Without the ``#``.
        seconds: Maximum time for all attempts together.
    """
    said = dict(parse_qsl(fragment))
    # Connection failures are retried by default.
    policies = frozenset(said.get("rp", "ct").split(",")) & _POLICIES
    return Overrides(
        # No single step may take longer than all attempts together.
        connect=min(_milliseconds(said.get("ct"), _CONNECT_SECONDS), _LONGEST_CONNECT, seconds),
        read=min(_milliseconds(said.get("rt"), seconds), seconds),
        retries=min(int(said.get("rc", "1")), _MOST_TRIES),
        policies=_POLICIES if "all" in policies else policies,
        total=min(_milliseconds(said.get("tt"), seconds), seconds),
    )


def _milliseconds(text: str | None, usual: float) -> float:
    return usual if text is None else int(text) / 1000


def _kind(failure: httpx.HTTPError | int) -> str:
    if isinstance(failure, httpx.ReadTimeout | httpx.WriteTimeout):
        return "rt"
    if isinstance(failure, httpx.HTTPError):
        return "ct"
    return "5xx" if failure >= HTTPStatus.INTERNAL_SERVER_ERROR else "4xx"
