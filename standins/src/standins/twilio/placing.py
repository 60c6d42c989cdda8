"""The REST request that places a call: `POST …/Calls.json`. A form in, the wanted call out, no socket.

Stricter than Twilio where that finds mistakes: a parameter that Twilio would ignore is an error, and so is a value that
it would correct, such as a number without its plus sign.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from standins.twilio.rest import RestError

_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_URL: Final = re.compile(r"https?://[^\s/]+(/[^\s#]*)?(#[^\s]*)?")
_METHODS: Final = frozenset({"GET", "POST"})
_MOST_RING_SECONDS: Final = 600
_MOST_CALL_SECONDS: Final = 4 * 3600
_KNOWN: Final = frozenset({"To", "From", "Url", "Method", "FallbackUrl", "FallbackMethod", "Timeout", "TimeLimit"})
"""What this stand-in executes, of about thirty parameters (twilio.com/docs/voice/api/call-resource#create-a-call)."""


@dataclass(frozen=True)
class WantedCall:
    """A call to place."""

    callee: str
    caller: str
    url: str
    method: str = "POST"
    fallback_url: str = ""
    ring_seconds: float = 60.0
    """How long the phone rings before the call ends as `no-answer`."""
    time_limit: float = _MOST_CALL_SECONDS
    """Longest call in seconds, from its answer."""


def read(form: Mapping[str, str], numbers: tuple[str, ...]) -> WantedCall:
    """Parse the form.

    Args:
        form: As sent.
        numbers: Phone numbers of the account, which alone may be shown as the caller.

    Raises:
        RestError: a code of Twilio's error dictionary, or 20001 for a parameter outside its specification.
    """
    if unknown := sorted(form.keys() - _KNOWN):
        raise RestError(400, 20001, f"Unknown parameter {unknown[0]}")
    callee, caller = form.get("To", ""), form.get("From", "")
    if not callee:
        raise RestError(400, 21201, "No 'To' number is specified")
    if not _NUMBER.fullmatch(callee):
        raise RestError(400, 21211, "The phone number you are attempting to call is not valid.")
    if not caller:
        raise RestError(400, 21213, "No 'From' number is specified")
    if not _NUMBER.fullmatch(caller):
        raise RestError(400, 21212, "The 'From' number is not a valid phone number")
    if caller not in numbers:
        raise RestError(400, 21210, "The source phone number provided is not yet verified for your account.")
    return WantedCall(
        callee,
        caller,
        _url(form, "Url"),
        _method(form, "Method"),
        _url(form, "FallbackUrl") if form.get("FallbackUrl") else "",
        _seconds(form, "Timeout", 60, _MOST_RING_SECONDS),
        _seconds(form, "TimeLimit", _MOST_CALL_SECONDS, _MOST_CALL_SECONDS),
    )


def _url(form: Mapping[str, str], name: str) -> str:
    url = form.get(name, "")
    if not _URL.fullmatch(url):
        raise RestError(400, 21205, f"{name} parameter is not a valid URL")
    return url


def _method(form: Mapping[str, str], name: str) -> str:
    method = form.get(name, "POST")
    if method not in _METHODS:
        raise RestError(400, 20001, f"{name} is not GET or POST")
    return method


def _seconds(form: Mapping[str, str], name: str, unsaid: int, most: int) -> float:
    text = form.get(name, str(unsaid))
    if not re.fullmatch("[0-9]{1,5}", text) or not 1 <= int(text) <= most:
        raise RestError(400, 20001, f"{name} is not a whole number from 1 to {most}")
    return float(text)
