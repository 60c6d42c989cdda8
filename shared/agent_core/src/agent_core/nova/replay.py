"""Fit the conversation so far into what a new model session accepts. No I/O.

Sources disagree about the limits, so this keeps the strictest: at most 40 messages of 1000 bytes each, alternating, the
caller's first (AWS in aws-samples/sample-sonic-cdk-agent #31, livekit/agents PR 5220).
"""

from collections import deque

from agent_core.nova.transcript import History
from agent_core.nova.wire import Role

MAX_MESSAGES = 40
MAX_MESSAGE_BYTES = 900
"""Both 1000 and 1024 are quoted as the limit."""
MAX_HISTORY_BYTES = 8_000
"""Field reports: below 5 000 characters accepted, 10 800 and 21 600 refused. The guide says 40 KB."""
MIN_HISTORY_BYTES = 1_000
"""Lower bound of the budget that shrinks with every refusal (see ``Quirks``): one question and its reply."""
_ELLIPSIS = " … "
_LONGEST_WORD = 40
"""Most characters dropped in order to cut a text between words."""
_HEAD = 0.35
"""Share of a long message that its beginning gets; its end matters more for what follows."""


def fit_history(history: History, max_bytes: int = MAX_HISTORY_BYTES) -> History:
    """Cut a conversation to what the model accepts: the newest turns, alternating, the caller's first.

    A turn that is too long loses its middle. The function is idempotent.
    """
    kept: deque[tuple[Role, str]] = deque()
    room = max_bytes
    # From the newest turn backwards: if space runs out, the oldest turns are the ones to lose.
    for role, words in reversed(_alternating(history)):
        message = _shorten(words)
        room -= len(message.encode())
        if room < 0 or len(kept) == MAX_MESSAGES:
            break
        kept.appendleft((role, message))
    while kept and kept[0][0] is not Role.USER:
        kept.popleft()
    return tuple(kept)


def _alternating(history: History) -> list[tuple[Role, str]]:
    """Join consecutive pieces of the same speaker."""
    turns: list[tuple[Role, list[str]]] = []
    for role, words in history:
        if not words.strip():
            continue
        if turns and turns[-1][0] is role:
            turns[-1][1].append(words.strip())
        else:
            turns.append((role, [words.strip()]))
    return [(role, " ".join(pieces)) for role, pieces in turns]


def _shorten(words: str) -> str:
    """Cut the middle out of a text longer than a message may be, at word boundaries where possible."""
    encoded = words.encode()
    if len(encoded) <= MAX_MESSAGE_BYTES:
        return words
    room = MAX_MESSAGE_BYTES - len(_ELLIPSIS.encode())
    size = int(room * _HEAD)
    head = encoded[:size].decode(errors="ignore")
    tail = encoded[-(room - size) :].decode(errors="ignore")
    return f"{head[: _last_blank(head)].rstrip()}{_ELLIPSIS}{tail[_first_blank(tail) :].lstrip()}"


def _last_blank(text: str) -> int:
    at = text.rfind(" ", max(len(text) - _LONGEST_WORD, 0))
    return at if at > 0 else len(text)


def _first_blank(text: str) -> int:
    return text.find(" ", 0, _LONGEST_WORD) + 1
