"""Queue the messages for a call's WebSocket. No I/O.

Audio still queued when the caller interrupts was never sent, so it is dropped.
"""

from collections import deque

from phone_agent import media_stream

MAX_CODES = 8000
"""Most audio in one message: one second. Twilio documents no limit, so this stays far from any."""


class Outbox:
    """Queues messages in order; consecutive audio is joined.

    Args:
        stream_sid: The stream that they are for.
    """

    def __init__(self, stream_sid: str) -> None:
        self._stream_sid = stream_sid
        self._sound = bytearray()
        self._messages: deque[str] = deque()

    def play(self, codes: bytes) -> None:
        """Add audio: µ-law, one byte per sample."""
        self._sound += codes

    def mark(self, name: str) -> None:
        """Add a mark after the audio queued so far."""
        self._close_sound()
        self._messages.append(media_stream.mark(self._stream_sid, name))

    def clear(self) -> None:
        """Drop everything queued, and make Twilio drop what it has buffered."""
        self._sound.clear()
        self._messages.clear()
        self._messages.append(media_stream.clear(self._stream_sid))

    def take(self) -> list[str]:
        """Return and remove everything queued."""
        self._close_sound()
        messages = list(self._messages)
        self._messages.clear()
        return messages

    def _close_sound(self) -> None:
        for at in range(0, len(self._sound), MAX_CODES):
            piece = bytes(self._sound[at : at + MAX_CODES])
            self._messages.append(media_stream.media(self._stream_sid, piece))
        self._sound.clear()
