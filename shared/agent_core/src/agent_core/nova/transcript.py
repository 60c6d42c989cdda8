"""Record what caller and agent have said, in order, and fit it into what a new model session accepts.

The model reports the words itself: the caller's as it understood them, its own once they have been spoken, and of an
interrupted reply only what was heard. They are recorded here rather than read from the pipeline, where words travel by
different paths and may overtake each other.

Sources disagree about the limits of a history, so this keeps the strictest: at most 40 messages of 1000 bytes each,
alternating, the caller's first (AWS in aws-samples/sample-sonic-cdk-agent #31, livekit/agents PR 5220).
"""

from collections import deque
from collections.abc import Callable

from agent_core.nova.facts import CallerWords, Fact, TextFinal
from agent_core.nova.wire import Role

type History = tuple[tuple[Role, str], ...]

MAX_BYTES = 64_000
"""More than any new session accepts; an old conversation must not grow without bound."""
MAX_ENTRY_BYTES = 16_000
"""Limit of one speaker's uninterrupted words: a quarter of an hour of speech, but seconds of typing. Each added word
costs time proportional to this length.
"""
MAX_ENTRIES = 500
"""Without this limit, one-byte entries would make the list very long, and all of it is passed on with each change."""

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


def whole(words: str) -> str:
    """Remove lone surrogates: a text that contains one cannot be encoded, nor can a history that contains it."""
    return words.encode(errors="ignore").decode()


def _newest(words: str) -> str:
    """Drop the oldest words of an entry that is too long."""
    return words.encode()[-MAX_ENTRY_BYTES:].decode(errors="ignore").strip()


class ConversationTranscript:
    """Collects the words of one conversation across all its model sessions.

    Args:
        said: What was said before this task took the conversation over. Words of the caller at its end are not asked
            again: the resuming side sends them to the model (``Opening.first_words``).
        changed: Called with all words so far whenever some are added; must not block.
    """

    def __init__(self, said: History = (), changed: Callable[[History], None] | None = None) -> None:
        self._said: deque[tuple[Role, str]] = deque()
        self._bytes = 0
        self._changed: Callable[[History], None] | None = None
        for role, words in said:
            self.add(role, words)
        self._changed = changed
        self._taken_up = True

    @property
    def history(self) -> History:
        """The newest ``MAX_BYTES`` of the words so far."""
        return tuple(self._said)

    @property
    def waiting(self) -> tuple[History, str | None]:
        """The history for a new model session, and the caller's last words if they have no reply yet."""
        if not self._said or self._said[-1][0] is not Role.USER:
            return self.history, None
        return self.history[:-1], None if self._taken_up else self._said[-1][1]

    def take(self, fact: Fact) -> None:
        """Record the words that a fact contains. Only spoken words count: planned ones may never be spoken."""
        match fact:
            case CallerWords(words):
                self.add(Role.USER, words)
            case TextFinal(words):
                self.add(Role.ASSISTANT, words)

    def add(self, role: Role, words: str) -> None:
        """Record words that the model will not report, such as typed ones."""
        # Cut before encoding: a very long text must not be encoded as a whole.
        words = _newest(whole(words[-MAX_ENTRY_BYTES:]))
        if not words:
            return
        self._taken_up = False
        # Consecutive words of one speaker form one entry.
        if self._said and self._said[-1][0] is role:
            before = self._said.pop()[1]
            self._bytes -= len(before.encode())
            words = _newest(f"{before} {words}")
        self._said.append((role, words))
        self._bytes += len(words.encode())
        while self._bytes > MAX_BYTES or len(self._said) > MAX_ENTRIES:
            self._bytes -= len(self._said.popleft()[1].encode())
        if self._changed is not None:
            self._changed(self.history)

    def add_caller(self, words: str) -> None:
        """Record words of the caller that the model will not report."""
        self.add(Role.USER, words)

    def forget_last(self, role: Role) -> None:
        """Drop the last words of one speaker: the model refuses them, and would do so again in any new session."""
        for at in range(len(self._said) - 1, -1, -1):
            if self._said[at][0] is role:
                self._bytes -= len(self._said[at][1].encode())
                del self._said[at]
                return


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
