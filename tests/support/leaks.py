"""What must appear in no log and in no answer, and how to find it there. No I/O."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

SERVICES: Final = frozenset({"phone-agent", "webrtc-agent"})
_QUIET: Final = frozenset({"debug"})
"""Levels at which words may appear; a service runs at them only where an operator chose so."""

SECRETS: Final = [
    "canary-auth-token",
    "canary-api-key-secret",
    "canary-model-secret",
    "canary-container-token",
    "canary-session-token",
    "vended-secret",
    "standin-secret",
    "standin-auth-token",
    "standin-daily-key",
]
"""Keys that the tests give to services. A test that makes new ones at run time plants them too."""

_NUMBERS: Final = {
    "a telephone number": r"\+[1-9]\d{7,14}\b",
    "the number of a test's caller": r"5005550\d{3}\b",
}
_WORDS: Final = {
    "words of the pretend model": r"\d+ Hz for \d+ ms|canary-of-[a-z-]+",
    "words of a caller": r"\bturn \d+\b|what is the weather|will it rain|talk to a human",
    "words of the instructions": r"You are the voice of|has just been connected|on the telephone keypad",
}
_TOKENS: Final = {
    "a ticket": r"[A-Za-z0-9+/]{118}==|[A-Za-z0-9+/]{119}=|[A-Za-z0-9+/]{120}",
    "a room's token": r"eyJ[\w-]{10,}\.[\w-]{10,}",
    "an offer": r"a=ice-pwd|a=fingerprint",
}
_IN_LOGS: Final = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in (_NUMBERS | _WORDS | _TOKENS).items()}
_TRACE: Final = "Traceback (most recent call last)"


def plant(secrets: Iterable[str]) -> None:
    """Search for these as well from now on."""
    SECRETS.extend(secret for secret in secrets if len(secret) >= 8 and secret not in SECRETS)  # shorter ones are words


def in_log(lines: Iterable[str]) -> Iterator[str]:
    """Return what a service's log must not contain; empty for the log of another program.

    Once the file is known to be a service's, lines that are not JSON count too, such as a trace.
    """
    ours = False
    for line in lines:
        event = _event(line)
        ours = ours or event.get("service") in SERVICES
        if ours and event.get("level") not in _QUIET:
            yield from (f"{kind} in {line.strip()[:300]!r}" for kind in _kinds(line))


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _kinds(line: str) -> Iterator[str]:
    yield from (f"the secret {secret}" for secret in SECRETS if secret in line)
    yield from (kind for kind, pattern in _IN_LOGS.items() if pattern.search(line))


def in_output(text: str) -> Iterator[str]:
    """Return the secrets that a test, or a service inside it, printed."""
    lines = (line for line in text.splitlines() if "[debug" not in line)
    yield from (f"the secret {secret}" for line in lines for secret in SECRETS if secret in line)


def in_answer(answer: bytes) -> Iterator[str]:
    """Return what no answer may contain; words and numbers may be there, for the right person."""
    yield from (f"the secret {secret}" for secret in SECRETS if secret.encode() in answer)
    if _TRACE.encode() in answer:
        yield "a trace"
