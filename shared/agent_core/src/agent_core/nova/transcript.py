"""What caller and agent have said, in the order in which they said it.

The model gives the words itself: the caller's as it heard them, its own once they have been spoken, and of an answer
that was cut off only what was heard. So this is kept here and not read out of the pipeline, where words travel by
different ways and may overtake each other.
"""

from collections import deque

from agent_core.nova import wire
from agent_core.nova.wire import ModelEvent, Role

type History = tuple[tuple[Role, str], ...]

MAX_BYTES = 64_000
"""More than any new session takes; an old conversation must not grow without end."""
INTERRUPTED = '{ "interrupted" : true }'
"""Stands in the place of words when the caller has cut in."""


class Transcript:
    """Collects the words of one conversation, over as many model sessions as it takes."""

    def __init__(self) -> None:
        self._said: deque[tuple[Role, str]] = deque()
        self._bytes = 0
        self._speaker: Role | None = None

    @property
    def history(self) -> History:
        """The words so far, the newest ``MAX_BYTES`` of them."""
        return tuple(self._said)

    def take(self, event: ModelEvent) -> None:
        """Keep what an event says of the conversation's words."""
        if isinstance(event, wire.ContentStarted):
            spoken = event.kind == "TEXT" and not event.speculative and event.role in (Role.USER, Role.ASSISTANT)
            self._speaker = Role(event.role) if spoken else None
        elif isinstance(event, wire.Text) and self._speaker is not None and event.content.strip() != INTERRUPTED:
            self.add(self._speaker, event.content)

    def add(self, role: Role, words: str) -> None:
        """Keep words that the model will not give back, such as typed ones."""
        words = words.strip()
        if not words:
            return
        if self._said and self._said[-1][0] is role:
            before = self._said.pop()[1]
            self._bytes -= len(before.encode())
            words = f"{before} {words}"
        self._said.append((role, words))
        self._bytes += len(words.encode())
        while self._bytes > MAX_BYTES and len(self._said) > 1:
            self._bytes -= len(self._said.popleft()[1].encode())
