"""The telephone number: told at Twilio whom to ask when somebody calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from deployment.errors import DeploymentError
from deployment.service_secrets import signing


@dataclass(frozen=True)
class Account:
    """An account at Twilio, as its secret has it."""

    sid: str
    user: str
    password: str

    @classmethod
    def of(cls, secret: Mapping[str, str]) -> "Account":
        """Take the API key where there is one: it can be taken back without changing what signs webhooks."""
        sid = secret.get("account_sid", "")
        if secret.get("api_sid") and secret.get("api_secret"):
            return cls(sid, secret["api_sid"], secret["api_secret"])
        return cls(sid, sid, signing(secret).get("auth_token", ""))


@dataclass(frozen=True)
class Pointed:
    """What became of a number.

    Attributes:
        changed: it asked something else before.
        fallback: what Twilio asks from now on when the webhook does not answer.
    """

    changed: bool
    fallback: str


def point(account: Account, number: str, webhook: str, fallback: str, api: str) -> Pointed:
    """Let a number ask the agent.

    Args:
        account: whose number it is.
        number: as +46701234567.
        webhook: what Twilio asks when somebody calls.
        fallback: what it asks when that does not answer; empty keeps one of the number's own, else takes the webhook.
        api: where Twilio's REST interface is.

    Raises:
        DeploymentError: Twilio has no such number in this account, or refuses.
    """
    with _twilio(account, api) as twilio:
        resource = _found(twilio, account, number)
        wanted = {
            "VoiceUrl": webhook,
            "VoiceMethod": "POST",
            "VoiceFallbackUrl": fallback or _own_fallback(resource) or webhook,
            "VoiceFallbackMethod": "POST",
        }
        pointed = any(resource.get(_snake(name)) != value for name, value in wanted.items())
        if pointed:
            _asked(twilio, "POST", f"{_numbers(account)}/{resource['sid']}.json", data=wanted)
        return Pointed(pointed, wanted["VoiceFallbackUrl"])


def look(account: Account, number: str, api: str) -> str:
    """Tell whom a number asks now.

    Raises:
        DeploymentError: Twilio has no such number in this account, or refuses.
    """
    with _twilio(account, api) as twilio:
        return str(_found(twilio, account, number).get("voice_url") or "nobody")


@dataclass(frozen=True)
class Listed:
    """A number of an account, and the webhook that Twilio requests for a call to it."""

    number: str
    url: str
    method: str

    @property
    def masked(self) -> str:
        """The number's last digits."""
        return f"…{self.number[-4:]}"


def listed(account: Account, api: str, number: str = "") -> list[Listed]:
    """List the numbers of an account, fifty at most, or the one that is asked for.

    Raises:
        DeploymentError: Twilio refuses, or has no such number in this account.
    """
    with _twilio(account, api) as twilio:
        if number:
            found = [_found(twilio, account, number)]
        else:
            found = _asked(twilio, "GET", f"{_numbers(account)}.json", params={"PageSize": "50"})[
                "incoming_phone_numbers"
            ]
    return [
        Listed(str(one["phone_number"]), str(one.get("voice_url") or ""), str(one.get("voice_method") or "POST"))
        for one in found
    ]


def _twilio(account: Account, api: str) -> httpx.Client:
    return httpx.Client(base_url=api, auth=(account.user, account.password), timeout=15)


def _numbers(account: Account) -> str:
    return f"/2010-04-01/Accounts/{account.sid}/IncomingPhoneNumbers"


def _found(twilio: httpx.Client, account: Account, number: str) -> dict[str, Any]:
    listed = _asked(twilio, "GET", f"{_numbers(account)}.json", params={"PhoneNumber": number})
    for resource in listed["incoming_phone_numbers"]:
        return dict(resource)
    raise DeploymentError(f"Twilio's account {account.sid[:6]}… has no number {number}", "buy it, or correct it")


def _asked(twilio: httpx.Client, method: str, path: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - httpx's own
    try:
        answer = twilio.request(method, path, **arguments)
    except httpx.HTTPError as error:
        raise DeploymentError(
            f"Twilio was not reached: {error}", "everything else is deployed; run it again"
        ) from error
    if answer.is_error:
        raise DeploymentError(
            f"Twilio answered {answer.status_code}: {_message(answer)}",
            "look at account_sid, and at api_sid and api_secret or auth_token, in the phone's secret",
        )
    read: dict[str, Any] = answer.json()
    return read


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase


def _own_fallback(resource: Mapping[str, Any]) -> str:
    """Give what somebody has set beside the webhook; the webhook again is what an earlier run has set."""
    there = str(resource.get("voice_fallback_url") or "")
    return "" if there == resource.get("voice_url") else there


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
