"""A small memory of answers that are worth keeping for a while."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable


class Remembered[Key: Hashable, Value]:
    """Keep at most ``size`` values for ``seconds`` each; the one unused for longest goes first."""

    def __init__(self, *, size: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._seconds = seconds
        self._clock = clock
        self._entries: OrderedDict[Key, tuple[float, Value]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """Give the value if it is still good."""
        until, value = self._entries.get(key, (0.0, None))
        if value is None or until < self._clock():
            self._entries.pop(key, None)
            return None
        self._entries.move_to_end(key)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Keep a value from now on."""
        self._entries[key] = (self._clock() + self._seconds, value)
        self._entries.move_to_end(key)
        while len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def __len__(self) -> int:
        """Count what is kept, good or not."""
        return len(self._entries)
