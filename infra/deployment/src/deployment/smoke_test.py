"""Smoke tests of a deployment: its health check, its page, and a test call."""

import sys
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx

from deployment.errors import ProofError
from deployment.subprocesses import Programs
from deployment.timeouts import Timeouts

_CALL_SECONDS: Final = 180.0
_SENTENCE: Final = "what is the weather in Stockholm"


def page(
    address: str,
    patience: Timeouts,
    progress: Callable[[str], None],
    headers: Mapping[str, str] | None = None,
    *,
    has_page: bool = True,
) -> str:
    """Wait until the health check passes, then fetch the page if there is one; return a summary.

    Raises:
        ProofError: There is no answer, or a wrong one.
    """
    with httpx.Client(base_url=address, timeout=10, follow_redirects=True, headers=headers) as client:
        _healthy(client, address, patience, progress)
        if not has_page:
            return "/health answers; there is no page, because Services excludes the web service"
        answer = client.get("/")
        if answer.is_error or "html" not in answer.headers.get("Content-Type", ""):
            raise ProofError(f"{address}/ answered {answer.status_code} without a page", "see the web service's log")
    return f"/health answers, and the page loads ({len(answer.content) / 1000:.0f} kB)"


def _healthy(client: httpx.Client, address: str, patience: Timeouts, progress: Callable[[str], None]) -> None:
    # A new DNS name, certificate or target group takes a while, so failures count only after the time limit.
    began = time.monotonic()
    while True:
        said = _health(client)
        if said == "":
            # An answer that is not HTML comes from something other than the web service.
            return
        if time.monotonic() - began > patience.answer:
            raise ProofError(
                f"{address}/health: {said}",
                "a new DNS name can take minutes to propagate, and must point to the load balancer (see above)",
                "run the same command again; --address tests another URL, --no-call skips the test call",
            )
        progress(f"{address}/health: {said}")
        time.sleep(patience.poll)


def _health(client: httpx.Client) -> str:
    try:
        answer = client.get("/health")
    except httpx.HTTPError as error:
        # Some httpx errors have no message; their class names then say what happened.
        return str(error) or type(error).__name__
    return "" if answer.is_success else f"answered {answer.status_code}"


def unserved(
    address: str, path: str, headers: Mapping[str, str], patience: Timeouts, progress: Callable[[str], None]
) -> None:
    """Wait until requests with these headers reach a target group that has no task yet.

    Raises:
        ProofError: They reach something else.
    """
    began = time.monotonic()
    with httpx.Client(base_url=address, timeout=10, headers=headers) as client:
        # The canary's target group has no task yet, so 503 proves that the rule matches.
        while (said := _status(client, path)) != str(HTTPStatus.SERVICE_UNAVAILABLE.value):
            if time.monotonic() - began > patience.answer:
                raise ProofError(
                    f"{address}{path} answers {said} where only the canary should: it cannot be tested alone",
                    f"a proxy drops the header {' '.join(headers)}; --address selects a URL without that proxy",
                    "--no-canary updates the services without testing the version first",
                )
            progress(f"{address}{path}: waiting for the load balancer's rule")
            time.sleep(patience.poll)


def _status(client: httpx.Client, path: str) -> str:
    try:
        return str(client.get(path).status_code)
    except httpx.HTTPError as error:
        return str(error) or type(error).__name__


def call(
    programs: Programs, address: str, secret: Mapping[str, str], on_line: Callable[[str], None], header: str = ""
) -> str:
    """Make a test call with a simulated phone, signed with the real token; return a summary.

    Args:
        programs: Starts the simulated phone.
        address: URL of the deployment.
        secret: Twilio's values, with the one active token.
        on_line: Called with each line of the phone's report.
        header: Sent with every request, as `Name: value`; routes the call to a canary.

    Raises:
        ProofError: With the last lines of the phone's report.
    """
    # The same environment as this command, whatever PATH is.
    command = str(Path(sys.executable).with_name("voice-agent"))
    done = programs.run(
        [command, "call", "--url", address, "--say", _SENTENCE, "--expect-speech"],
        seconds=_CALL_SECONDS,
        # In the environment, because process lists show arguments.
        env={
            "TWILIO_ACCOUNT_SID": secret.get("account_sid", ""),
            "TWILIO_AUTH_TOKEN": secret.get("auth_token", ""),
            "EDGE_HEADER": header,
        },
        on_line=on_line,
    )
    if done.code:
        # The report's last lines contain the step that failed.
        raise ProofError("smoke-test call failed", *done.tail(12), "see the phone service's log")
    return done.tail(1)[0].strip() if done.tail(1) else "answered"
