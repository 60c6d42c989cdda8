"""Detect whether a visitor is still there. No I/O.

A closed page sends nothing, and WebRTC itself notices after half a minute, while the model costs money. Pipecat's
clients send a ping a second, and a browser sends audio even when its microphone is muted.
"""

from collections.abc import Callable

LOST_SECONDS = 8.0
"""Longest time without any sign of life. Pings count as missing after 3 s, so that a closed page is noticed within 12
s, and a network outage of 5 s is harmless.
"""
_SOUND_SECONDS = 1.0
"""Audio arrives every 20 ms."""


class PeerLiveness:
    """Tracks the signs of life of one visitor.

    Args:
        clock: Monotonic seconds.
        connect_seconds: How long connecting may take.
    """

    def __init__(self, clock: Callable[[], float], connect_seconds: float) -> None:
        self._clock = clock
        self._deadline = clock() + connect_seconds
        self._heard_at: float | None = None
        self._there_at = clock()
        self.was_connected = False
        """Whether audio could ever flow."""

    def connected(self) -> None:
        """Record that audio can flow, for the first time or again."""
        self.was_connected = True
        self._extend()

    def heard(self) -> None:
        """Record received audio."""
        self._heard_at = self._clock()

    @property
    def there_at(self) -> float:
        """When the visitor was last certainly there: pings count for seconds after the last one."""
        return self._there_at if self._heard_at is None else self._heard_at

    def is_lost(self, *, connected: bool) -> bool:
        """Return whether to give the visitor up.

        Args:
            connected: Whether pings still arrive.
        """
        now = self._clock()
        # Recent audio proves presence as well as a ping does.
        sounding = self._heard_at is not None and now - self._heard_at < _SOUND_SECONDS
        if self.was_connected and (connected or sounding):
            self._extend()
        return now >= self._deadline

    def has_left(self, *, connected: bool) -> bool:
        """Return whether the visitor closed a connection that is closed now.

        A browser that closes its side was heard not long before. Expired consent (RFC 7675) also closes a connection,
        half a minute after the last sign of life, and so does a client that never got through.

        Args:
            connected: Whether pings still arrived.
        """
        return self.was_connected and not self.is_lost(connected=connected)

    def _extend(self) -> None:
        self._there_at = self._clock()
        self._deadline = self._there_at + LOST_SECONDS
