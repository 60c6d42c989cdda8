"""Limit the calls that visitors ask for, over all tasks: anyone can type any number, and each call costs money.

Each call claims one mark of its visitor, one of its number and one of the day in the call store, by conditional writes.
A mark has no content, and its name is a keyed hash: the store learns no number and no address. Without a store, the
marks are in this process. What cannot be counted is not called.
"""

import asyncio
import hmac
import time
from collections.abc import Callable
from typing import Final

from agent_core.adapters.call_store.key_value_store import KeyValueStore, StoreFault
from webrtc_agent.errors import TooManyCalls
from webrtc_agent.networks import network_of

VISITOR_SECONDS: Final = 60.0
"""Time between two calls for one address."""
DAY_SECONDS: Final = 86_400.0
DEADLINE_SECONDS: Final = 3.0
"""For all marks of one call: a mark takes some milliseconds, and a used-up day of 200 calls takes a second to find."""
_NAME_CHARACTERS: Final = 32


class CallLimits:
    """Counts the calls that visitors ask for.

    Args:
        shelf: Where the marks are.
        key: Of the hashes; the same in all tasks.
        per_number: Most calls to one number within 24 hours.
        per_day: Most calls within 24 hours.
        clock: Unix seconds.
    """

    def __init__(
        self,
        shelf: KeyValueStore,
        key: bytes,
        *,
        per_number: int,
        per_day: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._shelf = shelf
        self._key = key
        self._per_number = per_number
        self._per_day = per_day
        self._clock = clock

    async def count(self, address: str, number: str) -> None:
        """Count one call. One that fails later stays counted: it may have rung.

        Args:
            address: Of the visitor.
            number: To call.

        Raises:
            TooManyCalls: a limit is reached.
            StoreFault: the marks cannot be read.
        """
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await self._count(address, number)
        except TimeoutError:
            raise StoreFault("timeout") from None

    async def _count(self, address: str, number: str) -> None:
        # The cheapest first: a visitor who insists costs one request to the store each time.
        if not await self._claim(f"visitor/{network_of(address).narrow}", 1, VISITOR_SECONDS):
            raise TooManyCalls("visitor", VISITOR_SECONDS)
        if not await self._claim(f"number/{number}", self._per_number, DAY_SECONDS):
            raise TooManyCalls("number", DAY_SECONDS)
        if not await self._claim("day", self._per_day, DAY_SECONDS):
            raise TooManyCalls("day", DAY_SECONDS)

    async def _claim(self, what: str, most: int, seconds: float) -> bool:
        """Return whether one of ``most`` marks was free. Each is free again after its time, so no day has a border."""
        name = hmac.digest(self._key, what.encode(), "sha256").hex()[:_NAME_CHARACTERS]
        for number in range(most):
            if await self._shelf.put_if_absent(f"once/call-me/{name}/{number}", self._clock() + seconds):
                return True
        return False
