"""Twilio: the account, its numbers and what they ask, and whether what they ask is ours and answers."""

import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import httpx

from agent_core.causes import classify
from agent_core.errors import UpstreamError
from deployment import number
from deployment.checks.finding import Finding, bad, care, good, unset
from deployment.errors import DeploymentError
from deployment.number import Account, Listed
from doctor.surroundings import MachineState

_SECONDS: Final = 6.0
_SOON_DAYS: Final = 14
_SET: Final = "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"


def numbers(surroundings: MachineState) -> list[Finding]:
    """Look at the account, and at what each of its numbers asks."""
    account = surroundings.twilio
    if account is None:
        return [unset("twilio", "no account is set: `voice-agent run` takes the stand-in", f"for real calls: {_SET}")]
    if not account.password:
        return [bad("twilio", "TWILIO_ACCOUNT_SID is set without a token or key", "set TWILIO_AUTH_TOKEN too")]
    found = [_known(surroundings, account)]
    if found[0].mark == "✗":
        return found
    host = urlsplit(surroundings.twilio_api).hostname or ""
    found[0] = good("twilio", f"{found[0].found}; region {surroundings.get('TWILIO_REGION', 'us1')} at {host}")
    try:
        there = number.listed(account, surroundings.twilio_api, surroundings.number)
    except DeploymentError as error:
        return [*found, bad("number", error.what, *error.advice)]
    if not there:
        return [*found, care("number", "the account has none", "buy one in Twilio's console")]
    return [*found, *(_asks(surroundings, one) for one in there)]


def _known(surroundings: MachineState, account: Account) -> Finding:
    """List a call: a standard API key, which is the kind to use, may not read the account itself."""
    host = urlsplit(surroundings.twilio_api).hostname or ""
    try:
        number.rest_client(account, surroundings.twilio_api, _SECONDS).calls.list(limit=1)
    except httpx.HTTPStatusError as error:
        cause = classify(UpstreamError("twilio", f"status {error.response.status_code}"), host=host)
    except httpx.HTTPError as error:
        cause = classify(error, "twilio", host=host)
    else:
        return good("twilio", f"account {account.sid[:2]}…{account.sid[-4:]}")
    return bad("twilio", cause.why, cause.remedy)


def is_ours(surroundings: MachineState, one: Listed) -> bool:
    """Tell whether a number asks this agent; what stands behind a # is Twilio's own, such as how often it retries."""
    return one.url.partition("#")[0].rstrip("/") == surroundings.webhook and one.method == "POST"


def _asks(surroundings: MachineState, one: Listed) -> Finding:
    subject, asks = f"number {one.masked}", f"asks {one.url or 'nothing'} with {one.method}"
    if not surroundings.webhook:
        return unset(subject, asks, "set PUBLIC_BASE_URL to the https address of this agent to compare")
    if is_ours(surroundings, one):
        return good(subject, asks)
    return bad(subject, asks, f"`voice-agent doctor --fix` has it ask {surroundings.webhook} with POST")


def pointing(surroundings: MachineState) -> list[tuple[str, Callable[[], None]]]:
    """Return what would point the one number at this agent: never several, for they may be for something else."""
    account = surroundings.twilio
    if account is None or not account.password or not surroundings.webhook:
        return []
    there = number.listed(account, surroundings.twilio_api, surroundings.number)
    if len(there) != 1 or is_ours(surroundings, there[0]):
        return []
    (one,) = there

    def point() -> None:
        number.point(account, one.number, surroundings.webhook, "", surroundings.twilio_api)

    old = f"{one.method} {one.url}" if one.url else "nothing"
    return [(f"have number {one.masked} ask: {old} → POST {surroundings.webhook}", point)]


def public_address(surroundings: MachineState, clock: Callable[[], float] | None = None) -> list[Finding]:
    """Ask the webhook as a stranger: ours refuses what is not signed. And look how long its certificate holds."""
    url = surroundings.public_url
    if not url:
        return [unset("webhook", "PUBLIC_BASE_URL is not set: no other machine reaches this one")]
    parts = urlsplit(url)
    try:
        found = [_stranger(surroundings.webhook)]
        if parts.scheme == "https":
            found.append(_certificate(parts.hostname or "", parts.port or 443, clock))
    except (OSError, httpx.HTTPError) as error:
        cause = classify(error, "twilio", host=parts.hostname or "")
        why = "start the agent there, and check PUBLIC_BASE_URL" if cause.name == "refused" else cause.remedy
        return [bad("webhook", cause.why, why.replace("TWILIO_API_BASE_URL and TWILIO_REGION", "PUBLIC_BASE_URL"))]
    return found


def _stranger(webhook: str) -> Finding:
    with httpx.Client(timeout=_SECONDS, follow_redirects=False) as client:
        status = client.post(webhook, data={"CallSid": "CA" + "0" * 32}).status_code
    if status == httpx.codes.FORBIDDEN:
        return good("webhook", f"{webhook} is reached, and refuses what Twilio has not signed")
    if status == httpx.codes.NOT_FOUND:
        return bad("webhook", f"{webhook} answers 404", "check PUBLIC_BASE_URL: another program answers there")
    if httpx.codes.is_success(status):
        return bad(
            "webhook", f"{webhook} answers a request without a signature", "it is not this agent: check the address"
        )
    return bad("webhook", f"{webhook} answers {status}", "look whether the phone service runs behind that address")


def _certificate(host: str, port: int, clock: Callable[[], float] | None) -> Finding:
    trust = ssl.create_default_context()
    with (
        socket.create_connection((host, port), _SECONDS) as plain,
        trust.wrap_socket(plain, server_hostname=host) as tls,
    ):
        shown = tls.getpeercert() or {}
    end = ssl.cert_time_to_seconds(str(shown["notAfter"]))
    days = int((end - (clock() if clock else datetime.now(UTC).timestamp())) // 86400)
    if days < _SOON_DAYS:
        return care("certificate", f"of {host} ends in {days} days", "renew it, or look why it does not renew itself")
    return good("certificate", f"of {host} holds for {days} more days")
