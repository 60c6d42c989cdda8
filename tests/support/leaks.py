"""What must stand in no log and in no answer, and how it is found there. No I/O."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

SERVICES: Final = frozenset({"phone-agent", "webrtc-agent"})
_QUIET: Final = frozenset({"debug"})
"""Levels at which words may appear; nobody runs a service at them who was not told so."""

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
"""Keys that the tests give to services. Whoever makes up others while it runs plants them too."""

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
    """Look for these as well from now on."""
    SECRETS.extend(secret for secret in secrets if len(secret) >= 8 and secret not in SECRETS)  # shorter ones are words


def in_log(lines: Iterable[str]) -> Iterator[str]:
    """Say what stands in the lines of a service's log that should not; nothing for a log of somebody else.

    Lines that are no JSON count as well, once the file is known to be a service's: a trace, say.
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
    """Say which secrets a test printed, or a service that ran inside of it logged."""
    lines = (line for line in text.splitlines() if "[debug" not in line)
    yield from (f"the secret {secret}" for line in lines for secret in SECRETS if secret in line)


def in_answer(answer: bytes) -> Iterator[str]:
    """Say what stands in an answer that no answer may have; words and numbers may, for the right person."""
    yield from (f"the secret {secret}" for secret in SECRETS if secret.encode() in answer)
    if _TRACE.encode() in answer:
        yield "a trace"
