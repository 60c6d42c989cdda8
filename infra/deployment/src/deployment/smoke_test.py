"""What shows that a deployment works: it is healthy, it has its page, and it answers a call."""

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
    """Wait until it is healthy, then look at its page if it has one; tell what was seen.

    Raises:
        ProofError: it does not answer, or with something else.
    """
    with httpx.Client(base_url=address, timeout=10, follow_redirects=True, headers=headers) as client:
        _healthy(client, address, patience, progress)
        if not has_page:
            return "/health answers; there is no page, as Services says"
        answer = client.get("/")
        if answer.is_error or "html" not in answer.headers.get("Content-Type", ""):
            raise ProofError(f"{address}/ answered {answer.status_code} and no page", "look at the web service's log")
    return f"/health answers, and the page has {len(answer.content) / 1000:.0f} kB"


def _healthy(client: httpx.Client, address: str, patience: Timeouts, progress: Callable[[str], None]) -> None:
    began = time.monotonic()
    while True:
        said = _health(client)
        if said == "":
            return
        if time.monotonic() - began > patience.answer:
            raise ProofError(
                f"{address}/health: {said}",
                "a new name can take minutes to be known, and must point at the load balancer (see its address above)",
                "the same command tries again; --address proves another address, --no-call leaves the call out",
            )
        progress(f"{address}/health: {said}")
        time.sleep(patience.poll)


def _health(client: httpx.Client) -> str:
    try:
        answer = client.get("/health")
    except httpx.HTTPError as error:
        return str(error) or type(error).__name__
    return "" if answer.is_success else f"answered {answer.status_code}"


def unserved(
    address: str, path: str, headers: Mapping[str, str], patience: Timeouts, progress: Callable[[str], None]
) -> None:
    """Wait until requests with these headers lead to a target group that has no task yet.

    Raises:
        ProofError: something else answers.
    """
    began = time.monotonic()
    with httpx.Client(base_url=address, timeout=10, headers=headers) as client:
        while (said := _status(client, path)) != str(HTTPStatus.SERVICE_UNAVAILABLE.value):
            if time.monotonic() - began > patience.answer:
                raise ProofError(
                    f"{address}{path} answers {said} where only the new version should: it cannot be tried apart",
                    f"something on the way drops the header {' '.join(headers)}; --address names another way in",
                    "--no-canary changes the services without trying the version first",
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
    """Call it with a pretended telephone, signed with the real token; tell how that went.

    Args:
        programs: Starts the telephone.
        address: Of the deployment.
        secret: Twilio's values, with the one token that signs.
        on_line: Gets each line of the telephone's report.
        header: Sent with every request, as `Name: value`; it leads to a canary.

    Raises:
        ProofError: with what the caller met.
    """
    command = str(Path(sys.executable).with_name("voice-agent"))
    done = programs.run(
        [command, "call", "--url", address, "--say", _SENTENCE, "--expect-speech"],
        seconds=_CALL_SECONDS,
        # Through the environment: a list of processes shows arguments.
        env={
            "TWILIO_ACCOUNT_SID": secret.get("account_sid", ""),
            "TWILIO_AUTH_TOKEN": secret.get("auth_token", ""),
            "EDGE_HEADER": header,
        },
        on_line=on_line,
    )
    if done.code:
        raise ProofError("a call did not go as it should", *done.tail(12), "look at the phone service's log")
    return done.tail(1)[0].strip() if done.tail(1) else "answered"
