"""The conversation so far, as a new model session accepts it. No I/O.

Sources disagree about the limits, so this stays within the strictest of them: at most 40 messages, of 1000 bytes each,
that alternate and begin with the caller's (AWS in aws-samples/sample-sonic-cdk-agent #31, livekit/agents PR 5220).
"""

from collections import deque

from agent_core.nova.transcript import History
from agent_core.nova.wire import Role

MAX_MESSAGES = 40
MAX_MESSAGE_BYTES = 900
"""1000 and 1024 are both quoted as the limit."""
MAX_HISTORY_BYTES = 8_000
"""Field reports: below 5 000 characters accepted, 10 800 and 21 600 refused. The guide says 40 KB."""
MIN_HISTORY_BYTES = 1_000
"""A budget that shrinks with every refusal (see ``Quirks``) ends here: one question and its answer."""
_ELLIPSIS = " … "
_LONGEST_WORD = 40
"""Characters that are given up at most, to cut a text between words."""
_HEAD = 0.35
"""Share of a long message that its beginning gets; the end of it matters more for what comes next."""


def fit_history(history: History, max_bytes: int = MAX_HISTORY_BYTES) -> History:
    """Cut a conversation to what the model accepts: the newest turns, alternating, the caller's first.

    A turn that is too long loses its middle. Fitting twice changes nothing.
    """
    kept: deque[tuple[Role, str]] = deque()
    room = max_bytes
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
    """Join what one side said in several pieces."""
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
    """Leave out the middle of a text that is longer than a message may be, between words where there are any."""
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
