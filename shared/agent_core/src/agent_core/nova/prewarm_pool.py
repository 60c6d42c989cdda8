"""Pre-warm model sessions while the phone rings; each waits a few seconds for its call."""

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
    """A slot and, if opening has started and succeeded, a session that is ready to talk.

    ``facts`` is what the prompt says about the caller, for later sessions of the call; ``since`` is monotonic seconds.
    """

    slot: Slot
    facts: Mapping[str, str]
    since: float
    opening: asyncio.Task[ModelSession] | None = None
    """None when streams to the model are scarce: the conversation then opens its own."""

    async def session(self) -> ModelSession | None:
        """Wait for the session; return None if it could not be opened (``ModelSession.open`` has a deadline)."""
        if self.opening is None:
            return None
        try:
            return await self.opening
        except AgentError as error:
            log.warning("prewarmed_session_failed", error=error.reason, **causes.fields(error))
        except Exception as error:  # noqa: BLE001 - the call retries, and ends if it meets the same defect
            log.warning("prewarmed_session_failed", error=type(error).__name__)
        return None

    async def discard(self) -> None:
        """Release the slot and the session; bounded, never raises."""
        self.slot.release()
        if self.opening is None:
            return
        self.opening.cancel()
        await asyncio.wait({self.opening})
        if not self.opening.cancelled() and self.opening.exception() is None:
            await self.opening.result().close()


class PrewarmPool[Of]:
    """Pre-warmed sessions, keyed by the call that they wait for.

    Args:
        open_session: Opens a session for its argument; must have its own deadline. It runs in a task that is awaited
            with the slot: a defect in it, for example in building the prompt, occurs again in the call and holds no
            slot.
        abandoned: Called for each call that did not arrive.
        keep: How long a session waits. Twilio opens its socket well within a second; a call that never arrives must not
            hold a stream that costs money.
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

    def prewarm(  # noqa: PLR0913 - what a call starts with
        self,
        key: str,
        of: Of,
        slot: Slot,
        facts: Mapping[str, str],
        *,
        ahead: Ahead | None,
        later: timedelta = timedelta(),
    ) -> None:
        """Reserve a slot for ``key`` and start to open its session. An already pre-warmed key keeps its session.

        Args:
            key: Name of the call that the session waits for.
            of: What the session is for.
            slot: Released when the call does not arrive.
            facts: What the prompt says about the caller.
            ahead: Counts the session's stream; None opens no stream, and only the slot waits.
            later: How much later than usual the call arrives.
        """
        if key in self._prewarmed:
            slot.release()
            if ahead is not None:
                ahead.release()
            return
        self.hold(key, slot)
        self.begin(key, of, facts, ahead=ahead, later=later)

    def hold(self, key: str, slot: Slot) -> None:
        """Reserve a slot for a call as soon as it is admitted; it expires, whatever fails before the call arrives."""
        timer = asyncio.get_running_loop().call_later(self._keep.total_seconds(), self.dismiss, key)
        self._prewarmed[key] = (PrewarmedSession(slot, {}, time.monotonic()), timer, None)

    def begin(
        self, key: str, of: Of, facts: Mapping[str, str], *, ahead: Ahead | None, later: timedelta = timedelta()
    ) -> None:
        """Start to open the session of a call whose slot is reserved, unless the call has arrived. See `prewarm`."""
        if (entry := self._prewarmed.get(key)) is None:
            if ahead is not None:
                ahead.release()
            return
        prewarmed, timer, _ = entry
        timer.cancel()
        timer = asyncio.get_running_loop().call_later((self._keep + later).total_seconds(), self.dismiss, key)
        self._prewarmed[key] = prewarmed, timer, ahead
        prewarmed.facts = facts
        prewarmed.opening = None if ahead is None else asyncio.create_task(self._open_session(of))

    def adopt(self, key: str) -> PrewarmedSession | None:
        """Return the session for its call; None if it expired or another task answered the webhook."""
        entry = self._prewarmed.get(key)
        if entry is None:
            return None
        prewarmed, timer, ahead = entry
        if ahead is not None:
            ahead.release()  # first: if it fails, the entry stays and expires
        del self._prewarmed[key]
        timer.cancel()
        return prewarmed

    def dismiss(self, key: str, abandoned: Callable[[str, PrewarmedSession], None] | None = None) -> None:
        """Stop waiting for a call; does nothing if it has arrived.

        Args:
            key: Name of the call.
            abandoned: Called instead of the usual callback.
        """
        if (prewarmed := self.adopt(key)) is not None:
            task = asyncio.create_task(prewarmed.discard())
            self._discarding.add(task)
            task.add_done_callback(self._discarding.discard)
            (abandoned or self._abandoned)(key, prewarmed)

    async def aclose(self) -> None:
        """Stop waiting for all calls."""
        for key in list(self._prewarmed):
            self.dismiss(key)
        await asyncio.gather(*self._discarding)
