"""Twilio's phone numbers: read and set the webhook URLs of a number, with ``twilio.rest``."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from deployment.errors import DeploymentError
from deployment.service_secrets import signing

_MOST_LISTED = 50


@dataclass(frozen=True)
class Account:
    """A Twilio account, as the secret describes it."""

    sid: str
    user: str
    password: str

    @classmethod
    def of(cls, secret: Mapping[str, str]) -> "Account":
        """Return the account with its API key if it has one: a key can be revoked and cannot sign webhooks."""
        sid = secret.get("account_sid", "")
        if secret.get("api_sid") and secret.get("api_secret"):
            return cls(sid, secret["api_sid"], secret["api_secret"])
        return cls(sid, sid, signing(secret).get("auth_token", ""))


class HttpxTransport(HttpClient):  # type: ignore[misc]  # the package has no types
    """Sends the requests of Twilio's client with httpx, because the library's own client ignores SSL_CERT_FILE.

    Args:
        seconds: Time limit of a request.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False, timeout=seconds)

    def request(self, method: str, uri: str, **request: Any) -> Response:  # noqa: ANN401 - httpx's default
        """Send one request.

        Raises:
            HTTPStatusError: Twilio rejects the request; for a rejected list the library itself would lose the status.
            HTTPError: Twilio does not answer.
        """
        request["follow_redirects"] = request.pop("allow_redirects", False)
        request["timeout"] = request.get("timeout") or self.timeout
        answer = httpx.request(method, uri, **request).raise_for_status()
        return Response(answer.status_code, answer.text, answer.headers)


def rest_client(account: Account, api: str, seconds: float = 15) -> Client:
    """Return Twilio's client for an account.

    Args:
        account: The account that owns the numbers and calls.
        api: Base URL of Twilio's REST API. It includes region and edge, so the client reads no variables.
        seconds: Time limit of a request.
    """
    environment = {"TWILIO_ACCOUNT_SID": account.sid}  # the client would replace an empty one by the process's own
    client = Client(
        account.user, account.password, account.sid, http_client=HttpxTransport(seconds), environment=environment
    )
    client.api.base_url = api
    return client


@dataclass(frozen=True)
class Pointed:
    """The result of `point`.

    Attributes:
        changed: whether the number had another webhook URL before.
        fallback: the webhook URL that Twilio requests if the first one does not answer.
    """

    changed: bool
    fallback: str


def point(account: Account, number: str, webhook: str, fallback: str, api: str) -> Pointed:
    """Set the webhook URLs of a number.

    Args:
        account: the account that owns the number.
        number: in E.164 form, such as +46701234567.
        webhook: the URL to request for each call.
        fallback: the URL to request if the webhook does not answer; empty keeps the number's own, or uses the webhook.
        api: base URL of Twilio's REST API.

    Raises:
        DeploymentError: Twilio has no such number in this account, or rejects the request.
    """
    with _explained():
        resource = _found(rest_client(account, api), account, number)
        wanted = {
            "voice_url": webhook,
            "voice_method": "POST",
            "voice_fallback_url": fallback or _own_fallback(resource) or webhook,
            "voice_fallback_method": "POST",
        }
        changed = any(getattr(resource, name) != value for name, value in wanted.items())
        if changed:
            resource.update(**wanted)
        return Pointed(changed, wanted["voice_fallback_url"])


def look(account: Account, number: str, api: str) -> str:
    """Return the webhook URL of a number.

    Raises:
        DeploymentError: Twilio has no such number in this account, or rejects the request.
    """
    with _explained():
        return str(_found(rest_client(account, api), account, number).voice_url or "no URL")


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
    """Return the numbers of an account, at most fifty, or only the given one.

    Raises:
        DeploymentError: Twilio rejects the request, or has no such number in this account.
    """
    client = rest_client(account, api)
    with _explained():
        found = [_found(client, account, number)] if number else client.incoming_phone_numbers.list(limit=_MOST_LISTED)
    return [Listed(str(one.phone_number), str(one.voice_url or ""), str(one.voice_method or "POST")) for one in found]


def _found(client: Client, account: Account, number: str) -> Any:  # noqa: ANN401 - the package has no types
    for resource in client.incoming_phone_numbers.list(phone_number=number, limit=1):
        return resource
    raise DeploymentError(f"Twilio's account {account.sid[:6]}… has no number {number}", "buy it, or correct it")


@contextmanager
def _explained() -> Iterator[None]:
    """Turn an error of Twilio, or a missing answer, into an error that says what to do."""
    try:
        yield
    except httpx.HTTPStatusError as error:
        raise DeploymentError(
            f"Twilio answered {error.response.status_code}: {_message(error.response)}",
            "look at account_sid, and at api_sid and api_secret or auth_token, in the phone's secret",
        ) from error
    except httpx.HTTPError as error:
        raise DeploymentError(
            f"Twilio was not reached: {error}", "everything else is deployed; run it again"
        ) from error


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase


def _own_fallback(resource: Any) -> str:  # noqa: ANN401 - the package has no types
    """Return the fallback URL that an operator set; one that equals the webhook URL comes from an earlier run."""
    there = str(resource.voice_fallback_url or "")
    return "" if there == resource.voice_url else there
