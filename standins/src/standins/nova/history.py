"""Validates a chat history: number, size and order of its messages, and the delay before audio."""

from standins.nova.errors import EMPTY_CONTENT, HISTORY_AFTER_AUDIO, HISTORY_TOO_LONG, INVALID_INPUT, invalid
from standins.nova.service_limits import ServiceLimits


class History:
    """Validates the history of one prompt as it arrives. One content block is one message."""

    def __init__(self, limits: ServiceLimits) -> None:
        self._limits = limits
        self._roles: list[str] = []
        self._bytes = 0
        self._message_bytes = 0
        self._ended: float | None = None

    def open(self, role: str) -> None:
        """Start a message of USER or ASSISTANT.

        Raises:
            StreamFault: There are too many messages, or it is the other role's turn.
        """
        if not self._roles and role != "USER":
            raise invalid(INVALID_INPUT, "chat history must begin with role USER")
        if self._limits.history_alternates and self._roles and self._roles[-1] == role:
            raise invalid(INVALID_INPUT, f"two messages of {role} in a row")
        self._roles.append(role)
        self._message_bytes = 0
        if len(self._roles) > self._limits.history_messages:
            raise invalid(HISTORY_TOO_LONG, f"message {len(self._roles)}")

    def add(self, text: str) -> None:
        """Add a textInput to the current message.

        Raises:
            StreamFault: The text, its message or the history is too long.
        """
        limits, size = self._limits, len(text.encode())
        self._message_bytes += size
        self._bytes += size
        long_message = limits.history_message_bytes is not None and self._message_bytes > limits.history_message_bytes
        if size > limits.history_text_bytes or long_message or self._bytes > limits.history_bytes:
            detail = f"{size} bytes in this text, {self._message_bytes} in its message, {self._bytes} in all"
            raise invalid(HISTORY_TOO_LONG, detail)

    def end(self, at: float) -> None:
        """End a message at this time, in seconds of the wall clock.

        Raises:
            StreamFault: It is empty.
        """
        if not self._message_bytes:
            raise invalid(EMPTY_CONTENT, "a message without words")
        self._ended = at

    def check_settled(self, at: float) -> None:
        """Check that audio does not start too soon after the history.

        Raises:
            StreamFault: It does.
        """
        # Wall clock, not the accelerated one: the model needs this time to process the history.
        if self._ended is not None and at - self._ended < self._limits.history_settle:
            raise invalid(HISTORY_AFTER_AUDIO, f"audio {at - self._ended:.3f} s after the history")
