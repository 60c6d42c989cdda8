"""Makes all checks at once, each with a deadline: a name that is not resolved has no time-out of its own."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent_core.causes import classify
from deployment.aws import AwsFailure
from deployment.checks.credentials_check import refused
from deployment.checks.finding import Finding, bad
from deployment.errors import DeploymentError

type Look = Callable[[], Sequence[Finding]]


@dataclass(frozen=True)
class Check:
    """One subject.

    Args:
        subject: What it is about.
        look: Looks; may take as long as it likes.
    """

    subject: str
    look: Look


def make(checks: Sequence[Check], seconds: float) -> list[Finding]:
    """Make all checks, and return what they found in their order; what takes too long is left behind."""
    found: list[list[Finding] | None] = [None] * len(checks)

    def look(place: int) -> None:
        found[place] = list(_looked(checks[place]))

    threads = [threading.Thread(target=look, args=(place,), daemon=True) for place in range(len(checks))]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return [
        finding
        for check, rows in zip(checks, found, strict=True)
        for finding in (rows if rows is not None else [_late(check, seconds)])
    ]


def _looked(check: Check) -> Sequence[Finding]:
    try:
        return check.look()
    except AwsFailure as error:
        return [refused(error)]
    except DeploymentError as error:
        return [bad(check.subject, error.what, *error.advice)]
    except Exception as error:  # noqa: BLE001 - the other checks are as good without this one
        cause = classify(error)
        return [bad(check.subject, cause.why, cause.remedy)]


def _late(check: Check, seconds: float) -> Finding:
    return bad(
        check.subject,
        f"no answer within {seconds:.0f} s",
        "check the network and its name servers, and that outgoing connections to port 443 are allowed",
    )
