"""Make idempotency keys, by which a tool that changes something recognizes a repetition."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class ActsDone:
    """What is known of the changes that a conversation has made; part of the stored call.

    Attributes:
        count: Changes so far; one that is repeated at once counts once.
        last: Digest of the last one.
    """

    count: int = 0
    last: str = ""


class IdempotencyKeys:
    """Makes the keys of one conversation.

    A request that repeats the last change gets the same key: the model repeats itself after a barge-in, a renewal, or
    in another task. After another change, the same request is meant again (a table booked, cancelled, and booked
    anew), and gets another key.

    Args:
        conversation_id: The conversation, all its parts included.
        done: The changes of its earlier parts.
        on_done: Called after each change, for the task that continues the conversation; must not block.
    """

    def __init__(
        self, conversation_id: str, done: ActsDone | None = None, on_done: Callable[[ActsDone], None] = lambda _: None
    ) -> None:
        self._conversation_id = conversation_id
        self._done = done or ActsDone()
        self._on_done = on_done

    def key(self, request: str) -> str:
        """Return the key of a request: 32 hexadecimal digits.

        Args:
            request: The tool's name and validated arguments.
        """
        digest = self._digest(request)
        before = self._done.count - (self._done.last == digest)
        return sha256(f"{digest}/{before}".encode()).hexdigest()[:32]

    def done(self, request: str) -> None:
        """Record that a change was made."""
        digest = self._digest(request)
        if digest != self._done.last:
            self._done = ActsDone(self._done.count + 1, digest)
            self._on_done(self._done)

    def _digest(self, request: str) -> str:
        # Lone surrogates, which the model may send, cannot be encoded strictly.
        return sha256(f"{self._conversation_id}/{request}".encode(errors="surrogatepass")).hexdigest()[:32]
