"""Checks Twilio: the account, the webhooks of its numbers, and whether our webhook answers."""

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
    """Check the account, and the voice webhook of each number."""
    account = surroundings.twilio
    if account is None:
        return [unset("twilio", "no account is set: `voice-agent run` uses the stand-in", f"for real calls: {_SET}")]
    # account.password is empty if there is neither a token nor a complete API key.
    if not account.password:
        return [bad("twilio", "TWILIO_ACCOUNT_SID is set without a token or key", "set TWILIO_AUTH_TOKEN too")]
    found = [_known(surroundings, account)]
    # With a wrong key, every further request would fail too.
    if found[0].mark == "✗":
        return found
    host = urlsplit(surroundings.twilio_api).hostname or ""
    found[0] = good("twilio", f"{found[0].found}; region {surroundings.get('TWILIO_REGION', 'us1')} at {host}")
    try:
        there = number.listed(account, surroundings.twilio_api, surroundings.number)
    except DeploymentError as error:
        return [*found, bad("number", error.what, *error.advice)]
    if not there:
        return [*found, care("number", "the account has no number", "buy one in Twilio's console")]
    return [*found, *(_asks(surroundings, one) for one in there)]


def _known(surroundings: MachineState, account: Account) -> Finding:
    """List a call: the recommended standard API key may not read the account itself."""
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
    """Return whether a number's webhook is this agent's. A # and what follows are Twilio's options, such as retries."""
    return one.url.partition("#")[0].rstrip("/") == surroundings.webhook and one.method == "POST"


def _asks(surroundings: MachineState, one: Listed) -> Finding:
    subject, asks = f"number {one.masked}", f"webhook {one.url or '(none)'}, {one.method}"
    # Without PUBLIC_BASE_URL, any webhook may be right.
    if not surroundings.webhook:
        return unset(subject, asks, "set PUBLIC_BASE_URL to the https URL of this agent to compare")
    if is_ours(surroundings, one):
        return good(subject, asks)
    return bad(subject, asks, f"`voice-agent doctor --fix` sets it to {surroundings.webhook}, POST")


def pointing(surroundings: MachineState) -> list[tuple[str, Callable[[], None]]]:
    """Return the repair that points the only number at this agent; with several, some may serve other purposes."""
    account = surroundings.twilio
    if account is None or not account.password or not surroundings.webhook:
        return []
    there = number.listed(account, surroundings.twilio_api, surroundings.number)
    # Of several numbers, change only one that the operator names.
    if len(there) != 1 or is_ours(surroundings, there[0]):
        return []
    (one,) = there

    def point() -> None:
        number.point(account, one.number, surroundings.webhook, "", surroundings.twilio_api)

    old = f"{one.method} {one.url}" if one.url else "none"
    return [(f"change the webhook of number {one.masked}: {old} → POST {surroundings.webhook}", point)]


def public_address(surroundings: MachineState, clock: Callable[[], float] | None = None) -> list[Finding]:
    """Send the webhook an unsigned request, which it must reject, and check when its certificate expires."""
    url = surroundings.public_url
    if not url:
        return [unset("webhook", "PUBLIC_BASE_URL is not set: other machines cannot reach this one")]
    parts = urlsplit(url)
    try:
        found = [_stranger(surroundings.webhook)]
        # Plain HTTP has no certificate; Twilio's streams would fail, which the deployment's checks report.
        if parts.scheme == "https":
            found.append(_certificate(parts.hostname or "", parts.port or 443, clock))
    except (OSError, httpx.HTTPError) as error:
        cause = classify(error, "twilio", host=parts.hostname or "")
        # The shared text names the variables of Twilio's API, which is not what is checked here.
        why = "start the agent there, and check PUBLIC_BASE_URL" if cause.name == "refused" else cause.remedy
        return [bad("webhook", cause.why, why.replace("TWILIO_API_BASE_URL and TWILIO_REGION", "PUBLIC_BASE_URL"))]
    return found


def _stranger(webhook: str) -> Finding:
    # A redirect would hide which program answers.
    with httpx.Client(timeout=_SECONDS, follow_redirects=False) as client:
        # A well-formed call SID, so that a real phone service gets as far as the signature.
        status = client.post(webhook, data={"CallSid": "CA" + "0" * 32}).status_code
    if status == httpx.codes.FORBIDDEN:
        return good("webhook", f"{webhook} answers, and rejects requests without Twilio's signature")
    if status == httpx.codes.NOT_FOUND:
        return bad("webhook", f"{webhook} answers 404", "check PUBLIC_BASE_URL: another program answers there")
    if httpx.codes.is_success(status):
        return bad(
            "webhook", f"{webhook} accepts a request without a signature", "it is not this agent: check PUBLIC_BASE_URL"
        )
    return bad("webhook", f"{webhook} answers {status}", "check that the phone service runs at this URL")


def _certificate(host: str, port: int, clock: Callable[[], float] | None) -> Finding:
    trust = ssl.create_default_context()
    with (
        socket.create_connection((host, port), _SECONDS) as plain,
        trust.wrap_socket(plain, server_hostname=host) as tls,
    ):
        # With the default context, an expired or foreign certificate raises an error above.
        shown = tls.getpeercert() or {}
    end = ssl.cert_time_to_seconds(str(shown["notAfter"]))
    days = int((end - (clock() if clock else datetime.now(UTC).timestamp())) // 86400)
    if days < _SOON_DAYS:
        return care("certificate", f"of {host} expires in {days} days", "renew it, or see why it is not renewed")
    return good("certificate", f"of {host} is valid for {days} more days")
