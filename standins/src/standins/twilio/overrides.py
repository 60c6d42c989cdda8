"""What the fragment of a webhook's address says about time-outs and further tries. Pure.

Source: twilio.com/docs/usage/webhooks/webhooks-connection-overrides, which by default has one more try where no
connection came about (``rc=1``, ``rp=ct``), and 15 seconds for everything. ``e`` and ``sni`` are not pretended.
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
    """How one webhook is asked.

    Attributes:
        connect: Seconds for the connection.
        read: Seconds for the answer.
        retries: Further tries.
        policies: Failures that are tried again: ``ct``, ``rt``, ``4xx``, ``5xx``.
        total: Seconds for all tries together.
    """

    connect: float
    read: float
    retries: int
    policies: frozenset[str]
    total: float

    def tries_again(self, failure: httpx.HTTPError | int) -> bool:
        """Tell whether an answer with this status, or none for this reason, is asked for again."""
        return _kind(failure) in self.policies


def read(fragment: str, seconds: float) -> Overrides:
    """Read a fragment such as ``ct=2000&rc=3&rp=ct,5xx``; what it does not say is as usual.

    Args:
        fragment: Without the ``#``.
        seconds: Longest wait for an answer, all tries together.
    """
    said = dict(parse_qsl(fragment))
    policies = frozenset(said.get("rp", "ct").split(",")) & _POLICIES
    return Overrides(
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
