"""The REST API of calls: reads, updates and ends them. Requests in, responses out, no socket. `placing` has new calls.

Error bodies are Twilio's: `code`, `message`, `more_info`, `status`.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final, Protocol

from standins.twilio.party import API_VERSION, Party
from standins.twilio.settings import ExchangeSettings

_MAX_TWIML: Final = 4000
"""Maximum length of `Twiml`, from Twilio's API specification."""


class CallFacts(Protocol):
    """What a response contains about a call."""

    @property
    def party(self) -> Party: ...  # noqa: D102
    @property
    def status(self) -> str: ...  # noqa: D102
    @property
    def started_at(self) -> float: ...  # noqa: D102
    @property
    def ended_at(self) -> float | None: ...  # noqa: D102


class RestError(Exception):
    """The request is rejected."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, object] = {
            "code": code,
            "message": message,
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        }


@dataclass(frozen=True)
class EndCall:
    """`Status=completed` or `canceled`."""


@dataclass(frozen=True)
class RunTwiml:
    """`Twiml=…`."""

    twiml: str


@dataclass(frozen=True)
class RunUrl:
    """`Url=…`, with its `Method`."""

    url: str
    method: str


type Update = EndCall | RunTwiml | RunUrl


def authenticate(authorization: str | None, account_sid: str, settings: ExchangeSettings) -> None:
    """Accept the account's token and its API key, for its own account only.

    Raises:
        RestError: 20003.
    """
    name, _, secret = _basic(authorization).partition(":")
    # Twilio accepts the Account SID with its token, or an API key with its secret.
    known = {settings.account_sid: settings.auth_token, settings.api_key_sid: settings.api_key_secret}
    # Compare before looking at the name, so that unknown and known names take the same time.
    right = hmac.compare_digest(known.get(name, "").encode(), secret.encode()) and name in known
    if not right or account_sid != settings.account_sid:
        # The messages are Twilio's, including the hint which part is wrong.
        reason = "username" if name not in known else "password"
        raise RestError(401, 20003, f"Authentication Error - invalid {reason}")


def is_main(authorization: str | None, settings: ExchangeSettings) -> bool:
    """Return whether a request is authenticated with the account's own token, which may do everything."""
    return _basic(authorization).partition(":")[0] == settings.account_sid


def _basic(authorization: str | None) -> str:
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def account_refused() -> RestError:
    """Return the error for reading the account with a standard API key, which may only use calls."""
    return RestError(401, 20003, "Authentication Error - invalid username")


def not_found(path: str) -> RestError:
    """Return the error for an unknown call."""
    return RestError(404, 20404, f"The requested resource {path} was not found")


def scripted(status: int) -> RestError:
    """Return Twilio's error with this status, for an injected fault."""
    known = {
        401: (20003, "Authentication Error - invalid username"),
        404: (20404, "The requested resource was not found"),
        429: (20429, "Too Many Requests"),
    }
    code, message = known.get(status, (20500, "Internal Server Error"))
    return RestError(status, code, message)


def read_update(form: Mapping[str, str], call: CallFacts) -> Update:
    """Parse an update of a live call.

    Raises:
        RestError: 21220 if the call has ended, 32018 if the document is too long, 20001 for anything else.
    """
    # 21220 is what a service sees that hangs up a call which has just ended.
    if call.ended_at is not None:
        raise RestError(400, 21220, "Call is not in-progress. Cannot redirect.")
    if form.get("Status") in {"completed", "canceled"}:
        return EndCall()
    if form.get("Twiml"):
        if len(form["Twiml"]) > _MAX_TWIML:
            raise RestError(400, 32018, f"Twiml may have {_MAX_TWIML} characters")
        return RunTwiml(form["Twiml"])
    if form.get("Url"):
        return RunUrl(form["Url"], form.get("Method", "POST").upper())
    raise RestError(400, 20001, "Url, Twiml or a Status of 'completed' or 'canceled' is required")


def call_resource(call: CallFacts) -> dict[str, object]:
    """Return a call as Twilio's API shows it."""
    party = call.party
    path = f"/{API_VERSION}/Accounts/{party.account_sid}/Calls/{party.call_sid}"
    # Rounded as on a bill, not for measurements: the timeline has exact times.
    duration = None if call.ended_at is None else str(round(call.ended_at - call.started_at))
    return {
        "sid": party.call_sid,
        "account_sid": party.account_sid,
        "api_version": API_VERSION,
        "parent_call_sid": None,
        "direction": party.direction,
        "from": party.caller,
        "from_formatted": party.caller,
        "to": party.callee,
        "to_formatted": party.callee,
        "phone_number_sid": None,
        "status": call.status,
        "date_created": formatdate(call.started_at),
        "date_updated": formatdate(call.ended_at or call.started_at),
        "start_time": formatdate(call.started_at),
        "end_time": None if call.ended_at is None else formatdate(call.ended_at),
        "duration": duration,
        "price": None,
        "price_unit": "USD",
        "answered_by": None,
        "annotation": None,
        "forwarded_from": None,
        "group_sid": None,
        "caller_name": None,
        "queue_time": "0",
        "trunk_sid": None,
        "uri": f"{path}.json",
        "subresource_uris": {"streams": f"{path}/Streams.json", "payments": f"{path}/Payments.json"},
    }
