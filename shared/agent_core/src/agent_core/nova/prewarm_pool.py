"""Model sessions that are opened while the phone rings and wait a few seconds for their call."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from agent_core import causes
from agent_core.admission import Slot
from agent_core.errors import AgentError
from agent_core.nova.model_session import ModelSession
from agent_core.quota.capacity import Ahead

type OpenSession[Of] = Callable[[Of], Coroutine[Any, Any, ModelSession]]

log = structlog.get_logger()


@dataclass(slots=True)
class PrewarmedSession:
    """A place and, if opening has begun and went well, a session that is ready to talk.

    ``facts`` is what the prompt says of the caller, for the sessions that may follow; ``since`` is monotonic seconds.
    """

    slot: Slot
    facts: Mapping[str, str]
    since: float
    session_request: asyncio.Task[ModelSession] | None = None
    """None where streams to the model are scarce, too: the conversation opens its own."""

    async def session(self) -> ModelSession | None:
        """Wait for the session; None when it could not be opened (``ModelSession.open`` has a deadline)."""
        if self.session_request is None:
            return None
        try:
            return await self.session_request
        except AgentError as error:
            log.warning("prewarmed_session_failed", error=error.reason, **causes.fields(error))
        except Exception as error:  # noqa: BLE001 - the call tries for itself, and ends if it meets the same defect
            log.warning("prewarmed_session_failed", error=type(error).__name__)
        return None

    async def discard(self) -> None:
        """Release the place and the session; bounded, never raises."""
        self.slot.release()
        if self.session_request is None:
            return
        self.session_request.cancel()
        await asyncio.wait({self.session_request})
        if not self.session_request.cancelled() and self.session_request.exception() is None:
            await self.session_request.result().close()


class PrewarmPool[Of]:
    """Parked sessions by the name of the call that they wait for.

    Args:
        open_session: Opens one, given what it is for; must have its own deadline. It runs in a task that the place
            waits with: a defect in it, in making the prompt for example, is met again by the call and holds no place.
        abandoned: Told of each call that did not come.
        keep: How long one waits. Twilio opens its socket well within a second; a call that never comes must not hold
            a stream that is paid for.
    """

    def __init__(
        self,
        open_session: OpenSession[Of],
        abandoned: Callable[[str, PrewarmedSession], None],
        keep: timedelta = timedelta(seconds=4),
    ) -> None:
        self._open_session = open_session
        self._abandoned = abandoned
        self._keep = keep
        self._prewarmed: dict[str, tuple[PrewarmedSession, asyncio.TimerHandle, Ahead | None]] = {}
        self._discarding: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._prewarmed)

    def __contains__(self, key: object) -> bool:
        return key in self._prewarmed

    def prewarm(  # noqa: PLR0913 - what a call begins with
        self,
        key: str,
        of: Of,
        slot: Slot,
        facts: Mapping[str, str],
        *,
        ahead: Ahead | None,
        later: timedelta = timedelta(),
    ) -> None:
        """Hold a place for ``key`` and begin to open its session. A key that is parked already keeps its own.

        Args:
            key: Name of the call that it waits for.
            of: What the session is for.
            slot: Released when the call does not come.
            facts: What the prompt says of the caller.
            ahead: Counts the stream of the session; None opens none, and the place waits alone.
            later: How much later than usual the call comes.
        """
        if key in self._prewarmed:
            slot.release()
            if ahead is not None:
                ahead.release()
            return
        self.hold(key, slot)
        self.begin(key, of, facts, ahead=ahead, later=later)

    def hold(self, key: str, slot: Slot) -> None:
        """Hold a place for a call from the moment it is taken: whatever fails before the call comes, its time ends."""
        timer = asyncio.get_running_loop().call_later(self._keep.total_seconds(), self.dismiss, key)
        self._prewarmed[key] = (PrewarmedSession(slot, {}, time.monotonic()), timer, None)

    def begin(
        self, key: str, of: Of, facts: Mapping[str, str], *, ahead: Ahead | None, later: timedelta = timedelta()
    ) -> None:
        """Begin to open the session of a call whose place is held; nothing, if it has come already. See `prewarm`."""
        if (entry := self._prewarmed.get(key)) is None:
            if ahead is not None:
                ahead.release()
            return
        prewarmed, timer, _ = entry
        timer.cancel()
        timer = asyncio.get_running_loop().call_later((self._keep + later).total_seconds(), self.dismiss, key)
        self._prewarmed[key] = prewarmed, timer, ahead
        prewarmed.facts = facts
        prewarmed.session_request = None if ahead is None else asyncio.create_task(self._open_session(of))

    def adopt(self, key: str) -> PrewarmedSession | None:
        """Hand the session over to its call; None when it waited too long or another task answered the webhook."""
        entry = self._prewarmed.get(key)
        if entry is None:
            return None
        prewarmed, timer, ahead = entry
        if ahead is not None:
            ahead.release()  # first: if it fails the call stays parked, and its time ends
        del self._prewarmed[key]
        timer.cancel()
        return prewarmed

    def dismiss(self, key: str, abandoned: Callable[[str, PrewarmedSession], None] | None = None) -> None:
        """Give up waiting for a call; does nothing if it has come.

        Args:
            key: Name of the call.
            abandoned: Called in place of the usual callback.
        """
        if (prewarmed := self.adopt(key)) is not None:
            task = asyncio.create_task(prewarmed.discard())
            self._discarding.add(task)
            task.add_done_callback(self._discarding.discard)
            (abandoned or self._abandoned)(key, prewarmed)

    async def aclose(self) -> None:
        """Give up waiting for all of them."""
        for key in list(self._prewarmed):
            self.dismiss(key)
        await asyncio.gather(*self._discarding)
