"""Decide whether this process can use our own HTTP/2, from the failures of its first streams."""

import ssl
from collections.abc import Callable
from typing import Final

import structlog

from agent_core import causes
from agent_core.causes import CLOCK
from agent_core.errors import ModelError, ModelRejected, ModelUnavailable
from agent_core.nova.http2.exchange import Http2Error

log = structlog.get_logger()

_SUSPECT: Final = frozenset(
    {
        "IncompleteSignatureException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "UnknownOperationException",
        "UnexpectedResponse",
    }
)
"""Refusals that a request of ours might have earned. If the keys or the clock are wrong, the SDK reports the same."""


class TransportHealth:
    """Record whether our own HTTP/2 works.

    It is given up if it fails in a way in which the SDK's might not, before any stream has delivered an event.

    Args:
        count: Called once if that happens, for a metric.
    """

    def __init__(self, count: Callable[[], None] = lambda: None) -> None:
        self._count = count
        self._is_proven = False
        self.is_given_up = False
        """Whether all further streams of this process use the SDK."""

    def worked(self) -> None:
        """Record that a stream has delivered an event."""
        self._is_proven = True

    def failed(self, error: ModelError) -> ModelError:
        """Record that a stream failed; return the error to raise.

        A refusal that made this process change to the SDK is worth a retry, which a ``ModelRejected`` would prevent.
        """
        if self._is_proven or not _is_suspect(error):
            return error
        # Several streams may fail before the first of them has an effect: one warning for all.
        if not self.is_given_up:
            self.is_given_up = True
            self._count()
            log.warning("model_transport_given_up", error=error.reason, now="sdk", **causes.fields(error))
        return _worth_a_retry(error) if isinstance(error, ModelRejected) else error


def _worth_a_retry(error: ModelError) -> ModelError:
    again = ModelUnavailable(error.kind, "over our own HTTP/2; the next stream uses the SDK")
    again.host = error.host
    return again


def _is_suspect(error: ModelError) -> bool:
    match error.__cause__:
        case ssl.SSLCertVerificationError():
            return False  # the SDK trusts the same authorities
        case ssl.SSLError():
            return True
        case Http2Error(is_protocol=is_protocol):
            return is_protocol
    return error.kind in _SUSPECT and CLOCK not in error.reason  # the SDK reads the same clock
