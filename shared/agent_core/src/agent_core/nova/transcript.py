"""What caller and agent have said, in the order in which they said it.

The model gives the words itself: the caller's as it heard them, its own once they have been spoken, and of an answer
that was cut off only what was heard. So this is kept here and not read out of the pipeline, where words travel by
different ways and may overtake each other.
"""

from collections import deque
from collections.abc import Callable

from agent_core.nova import wire
from agent_core.nova.wire import ModelEvent, Role

type History = tuple[tuple[Role, str], ...]

MAX_BYTES = 64_000
"""More than any new session takes; an old conversation must not grow without end."""
MAX_ENTRY_BYTES = 16_000
"""Of what one of the two said before the other did. It is a quarter of an hour of speech, but seconds of typing, and
each further word costs as much time as this is long."""
MAX_ENTRIES = 500
"""Words of a byte each would be far more of them, and all are handed on with each change."""


def whole(words: str) -> str:
    """Leave out halves of characters (surrogates): no text that holds one can be sent, and no history it is part of."""
    return words.encode(errors="ignore").decode()


def _newest(words: str) -> str:
    """Leave out the oldest words of an entry that is too long."""
    return words.encode()[-MAX_ENTRY_BYTES:].decode(errors="ignore").strip()


class ConversationTranscript:
    """Collects the words of one conversation, over as many model sessions as it takes.

    Args:
        said: What was said before this task had the conversation. Words of the caller at its end are not asked again:
            whoever takes up a conversation tells the model of them (``Opening.first_words``).
        changed: Told of all words so far whenever some are added; must not wait.
    """

    def __init__(self, said: History = (), changed: Callable[[History], None] | None = None) -> None:
        self._said: deque[tuple[Role, str]] = deque()
        self._bytes = 0
        self._speaker: Role | None = None
        self._changed: Callable[[History], None] | None = None
        for role, words in said:
            self.add(role, words)
        self._changed = changed
        self._taken_up = True

    @property
    def history(self) -> History:
        """The words so far, the newest ``MAX_BYTES`` of them."""
        return tuple(self._said)

    @property
    def waiting(self) -> tuple[History, str | None]:
        """The history for a new model session, and what the caller said last if that has no answer yet."""
        if not self._said or self._said[-1][0] is not Role.USER:
            return self.history, None
        return self.history[:-1], None if self._taken_up else self._said[-1][1]

    def take(self, event: ModelEvent) -> None:
        """Keep what an event says of the conversation's words."""
        if isinstance(event, wire.ContentStarted):
            spoken = event.kind == "TEXT" and not event.speculative and event.role in (Role.USER, Role.ASSISTANT)
            self._speaker = Role(event.role) if spoken else None
        elif isinstance(event, wire.Text) and self._speaker is not None and not wire.interrupts(event.content):
            self.add(self._speaker, event.content)

    def add(self, role: Role, words: str) -> None:
        """Keep words that the model will not give back, such as typed ones."""
        words = _newest(whole(words[-MAX_ENTRY_BYTES:]))
        if not words:
            return
        self._taken_up = False
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

    def forget_last(self, role: Role) -> None:
        """Leave out the last words of one side: the model refuses them, and would again in any new session."""
        for at in range(len(self._said) - 1, -1, -1):
            if self._said[at][0] is role:
                self._bytes -= len(self._said[at][1].encode())
                del self._said[at]
                return
