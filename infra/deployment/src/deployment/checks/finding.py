"""What a check found. One that could not be made says so, and stops nobody."""

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
    """All is well."""
    return Finding(CheckMark.GOOD, subject, found)


def care(subject: str, found: str, *advice: str) -> Finding:
    """It will be deployed, and something will be missing."""
    return Finding(CheckMark.CARE, subject, found, advice)


def bad(subject: str, found: str, *advice: str) -> Finding:
    """It cannot be deployed so."""
    return Finding(CheckMark.BAD, subject, found, advice)


def unknown(subject: str, why: str) -> Finding:
    """Nobody knows."""
    return Finding(CheckMark.UNKNOWN, subject, f"could not be checked: {why}")


def unset(subject: str, found: str, *advice: str) -> Finding:
    """Report something that is not set up, and need not be."""
    return Finding(CheckMark.UNSET, subject, found, advice)


def asked(subject: str, ask: Callable[[], Finding]) -> Finding:
    """Make a check, and take it for unknown if AWS does not answer it."""
    try:
        return ask()
    except AwsFailure as error:
        return unknown(subject, short(error))
