"""Audit a running service over a whole test, whatever the test does: opened before it, balanced after it."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import orjson

from standins.nova.session_records import SessionLedger, SessionRecord
from tests.support import ledger
from tests.support.waiting import until
from tests.support.warm import WarmProcess

HELD_SECONDS = 30.0
"""Codec threads end when the machine schedules them, which the virtual clock cannot know."""
KEPT_DESCRIPTORS = 3
"""The service keeps connections to Twilio, Daily and the weather open; those of its clients do not count."""
KEPT_THREADS = 8
"""Threads of pools, which start at the first calls."""


class Service(Protocol):
    """A process of the product."""

    @property
    def process(self) -> asyncio.subprocess.Process | WarmProcess:
        """Return the process."""

    @property
    def log(self) -> Path:
        """Return the path of its log."""

    def held(self) -> ledger.Held:
        """Count what it holds."""


class Audit:
    """Knows what there was at the start, and balances what came since.

    Args:
        service: The running service; it must be idle, now and at the end.
        streams: The ledger of the model's stand-in.
    """

    def __init__(self, service: Service, streams: SessionLedger) -> None:
        self._service = service
        self._streams = streams
        self._read = service.log.stat().st_size
        self._known = set(streams.sessions)
        self._held = service.held()

    async def balance(self) -> None:
        """Balance L1, L2, L4, L6 and L10.

        Raises:
            AssertionError: a ledger does not balance.
        """
        lines = list(self._lines())
        ledger.conversations_have_ended(lines)
        for sessions in _by_conversation(lines).values():
            ledger.streams_are_closed(self._streams, [one for one in sessions if one in self._streams.sessions])
        ledger.no_tool_was_forgotten(self._new_sessions())
        ledger.log_is_clean(lines)
        if self._service.process.returncode is None:
            await until(self._is_held_no_more, HELD_SECONDS)

    def _lines(self) -> Iterator[dict[str, Any]]:
        with self._service.log.open("rb") as log:
            log.seek(self._read)
            yield from (orjson.loads(line) for line in log if line.startswith(b"{") and line.endswith(b"\n"))

    def _new_sessions(self) -> list[SessionRecord]:
        return [record for name, record in self._streams.sessions.items() if name not in self._known]

    def _is_held_no_more(self) -> bool:
        now = self._service.held()
        threads, descriptors = now.threads - self._held.threads, now.descriptors - self._held.descriptors
        return threads <= KEPT_THREADS and descriptors <= KEPT_DESCRIPTORS


def _by_conversation(lines: list[dict[str, Any]]) -> dict[str, list[str]]:
    sessions: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        if line.get("event") == "model_session_started":
            sessions[line["session_id"]].append(line["model_session_id"])
    return sessions
