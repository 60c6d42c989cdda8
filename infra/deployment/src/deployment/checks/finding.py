"""The result of one check. A check that fails to run reports that, and does not stop the deployment."""

from collections.abc import Callable
from dataclasses import dataclass

from deployment.aws import AwsFailure, short
from deployment.console import CheckMark


@dataclass(frozen=True)
class Finding:
    """One row of the list of checks."""

    mark: CheckMark
    subject: str
    found: str
    advice: tuple[str, ...] = ()


def good(subject: str, found: str) -> Finding:
    """Report a check that passed."""
    return Finding(CheckMark.GOOD, subject, found)


def care(subject: str, found: str, *advice: str) -> Finding:
    """Report a warning: the deployment continues, with something missing."""
    return Finding(CheckMark.CARE, subject, found, advice)


def bad(subject: str, found: str, *advice: str) -> Finding:
    """Report a problem that stops the deployment."""
    return Finding(CheckMark.BAD, subject, found, advice)


def unknown(subject: str, why: str) -> Finding:
    """Report a check that could not run."""
    return Finding(CheckMark.UNKNOWN, subject, f"could not be checked: {why}")


def unset(subject: str, found: str, *advice: str) -> Finding:
    """Report an optional feature that is not set up."""
    return Finding(CheckMark.UNSET, subject, found, advice)


def asked(subject: str, ask: Callable[[], Finding]) -> Finding:
    """Run a check, and report it as unknown if AWS does not answer."""
    try:
        return ask()
    except AwsFailure as error:
        return unknown(subject, short(error))
