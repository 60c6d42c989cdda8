"""Turn what the service says into a ``ModelError``; both transports use it."""

import re
from typing import Final

from agent_core.causes import CLOCK
from agent_core.errors import ModelError, ModelRejected, ModelUnavailable
from agent_core.nova import error_policy
from agent_core.nova.error_policy import RetryPolicy

_ARN: Final = re.compile(r"arn:\S+")
"""Contains the account and the role name, which do not belong in a log."""
_SKEWED_SECONDS: Final = 240.0
"""AWS refuses a signature whose time differs by 300 seconds from its own clock."""
_CLIENT_FAULTS: Final = range(400, 500)


def without_arns(text: str) -> str:
    """Return the service's words without the names of accounts and roles."""
    return _ARN.sub("arn:…", text)


def of_stream(kind: str, text: str) -> ModelError:
    """Return the error of an exception in an open stream.

    Args:
        kind: Its name on the wire, with a capital.
        text: The service's words.
    """
    text = without_arns(text)
    rejected = error_policy.remedy_for(kind, text) is RetryPolicy.GIVE_UP
    return ModelRejected(kind, text) if rejected else ModelUnavailable(kind, text)


def of_response(kind: str, text: str, status: int, *, clock_off: float = 0.0) -> ModelError:
    """Return the error of a refused request.

    Args:
        kind: Its name on the wire, with a capital.
        text: The service's words.
        status: Of the response; 4xx of an unknown kind is final.
        clock_off: Seconds by which our clock is ahead of the service's, if its response had a date.
    """
    # AWS blames the signature also when the cause is a wrong clock, which the operator can fix at once.
    if kind == "InvalidSignatureException" and abs(clock_off) > _SKEWED_SECONDS:
        side = "ahead of" if clock_off > 0 else "behind"
        text = f"{CLOCK}about {round(abs(clock_off), -1):.0f} s {side} the service's"
    if status in _CLIENT_FAULTS and not error_policy.is_known(kind):
        return ModelRejected(kind, without_arns(text))
    return of_stream(kind, text)
