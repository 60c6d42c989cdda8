"""Runs all checks concurrently, with one deadline: a DNS lookup has no timeout of its own."""

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
    """A check of one subject.

    Args:
        subject: The label of its row.
        look: Runs the check; may block without a limit.
    """

    subject: str
    look: Look


def make(checks: Sequence[Check], seconds: float) -> list[Finding]:
    """Run all checks and return their findings in order; a check that exceeds the deadline is abandoned."""
    found: list[list[Finding] | None] = [None] * len(checks)

    def look(place: int) -> None:
        # Each thread writes to its own place, so no lock is needed.
        found[place] = list(_looked(checks[place]))

    # Daemon threads do not keep the process alive when a request hangs.
    threads = [threading.Thread(target=look, args=(place,), daemon=True) for place in range(len(checks))]
    for thread in threads:
        thread.start()
    # One deadline for all: the waits overlap.
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
    except Exception as error:  # noqa: BLE001 - a crash in one check must not hide the others
        cause = classify(error)
        return [bad(check.subject, cause.why, cause.remedy)]


def _late(check: Check, seconds: float) -> Finding:
    return bad(
        check.subject,
        f"no answer within {seconds:.0f} s",
        "check the network and DNS, and that outgoing connections to port 443 are allowed",
    )
