"""Status callbacks: requests that only notify the application; their responses are ignored."""

import asyncio
from typing import Final

from standins.twilio.timeline import Timeline
from standins.twilio.webhook_client import WebhookError, Webhooks

_LAST_SECONDS: Final = 5.0
_NOT_TWIML: Final = "12300"


class Callbacks:
    """The callbacks of one call, sent in the background."""

    def __init__(self, webhooks: Webhooks, timeline: Timeline) -> None:
        self._webhooks = webhooks
        self._timeline = timeline
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, url: str, method: str, params: dict[str, str]) -> None:
        """Send a callback without waiting for it."""
        task = asyncio.create_task(self._send(url, method, params))
        # asyncio keeps only weak references to tasks.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Wait briefly for pending callbacks, and cancel the rest."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_LAST_SECONDS)
            for task in late:
                task.cancel()

    async def _send(self, url: str, method: str, params: dict[str, str]) -> None:
        try:
            await self._webhooks.ask(url, method, params)
        except WebhookError as error:
            # Twilio ignores the content of a response to a status callback.
            if error.code != _NOT_TWIML:
                self._timeline.record("error", code=error.code, reason=f"callback: {error}")
