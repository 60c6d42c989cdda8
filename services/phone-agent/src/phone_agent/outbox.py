"""What waits to be written to a call's socket, without I/O.

Sound that is still here when the caller interrupts was never sent, so it is simply forgotten.
"""

from collections import deque

from phone_agent import media_stream

MAX_CODES = 8000
"""Most sound in one message: a second. Twilio names no limit, and a flood must not find it for us."""


class Outbox:
    """Messages in order; pieces of sound that follow each other become one.

    Args:
        stream_sid: The stream that they are for.
    """

    def __init__(self, stream_sid: str) -> None:
        self._stream_sid = stream_sid
        self._sound = bytearray()
        self._messages: deque[str] = deque()

    def play(self, codes: bytes) -> None:
        """Add sound: µ-law, one byte a sample."""
        self._sound += codes

    def mark(self, name: str) -> None:
        """Add a mark behind the sound so far."""
        self._close_sound()
        self._messages.append(media_stream.mark(self._stream_sid, name))

    def clear(self) -> None:
        """Forget what waits and tell Twilio to do the same."""
        self._sound.clear()
        self._messages.clear()
        self._messages.append(media_stream.clear(self._stream_sid))

    def take(self) -> list[str]:
        """Hand over everything that waits."""
        self._close_sound()
        messages = list(self._messages)
        self._messages.clear()
        return messages

    def _close_sound(self) -> None:
        for at in range(0, len(self._sound), MAX_CODES):
            piece = bytes(self._sound[at : at + MAX_CODES])
            self._messages.append(media_stream.media(self._stream_sid, piece))
        self._sound.clear()
