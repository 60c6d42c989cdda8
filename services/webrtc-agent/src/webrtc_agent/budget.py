"""Limit how many requests a client may make, whatever they request: none is free of processor time.

The same core carries every visitor's audio, so an unlimited client would be heard by all of them.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Final

import structlog
from cachetools import LRUCache
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent_core.token_bucket import TokenBucket
from webrtc_agent.networks import network_of

log = structlog.get_logger()

WIDE: Final = 4
"""A wide network (see ``networks``) may make as many requests as this many clients."""
BURST_SECONDS: Final = 20.0
"""Requests of this period may come at once: a page that loads requests fifteen files."""
UNIT_BYTES: Final = 32 * 1024
"""This much of a response counts as one more request: the larger it is, the longer it takes to send."""
MAX_NETWORKS: Final = 10_000
"""Most networks remembered. The least recently active one is forgotten first; most of its budget had been restored."""
HELD_SECONDS: Final = 1.0
"""A refusal is delayed this long, so that a client that retries at once gets one per second and connection."""
MAX_HELD: Final = 200
"""Most refusals delayed at a time, 10 KB each; further ones are sent at once."""
LOG_SECONDS: Final = 60.0
"""How often refusals are logged: a line for each would be a flood of its own."""
_FREE: Final = ("/health", "/ready")
"""Requested by load balancers, behind which all visitors may seem to have one address."""
_SENTENCE = "Too many requests came from your network. Please try again in a moment."
_BODY: Final = json.dumps({"error": _SENTENCE, "info": _SENTENCE, "detail": _SENTENCE, "limited": True}).encode()
"""In English: which agent a request concerns is not known yet. A page shows its own sentence about ``limited``."""
_HEADERS: Final = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(_BODY)).encode()),
    (b"cache-control", b"no-store"),
    (b"retry-after", b"1"),
    (b"x-content-type-options", b"nosniff"),
]


class Budgets:
    """Counts requests per network. No I/O.

    Args:
        per_minute: Requests of one address.
        clock: Monotonic seconds.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self._per_second = per_minute / 60
        self._clock = clock
        self._credits: LRUCache[str, TokenBucket] = LRUCache(MAX_NETWORKS)

    def spend(self, address: str) -> bool:
        """Count one request; return False if the budget is used up."""
        network = network_of(address)
        # The wide network pays only for served requests: a refused client costs its neighbours nothing.
        return self._of(network.narrow, 1).spend() and self._of(f"{network.wide} wide", WIDE).spend()

    def charge(self, address: str, requests: int) -> None:
        """Count additional requests."""
        network = network_of(address)
        self._of(network.narrow, 1).charge(requests)
        self._of(f"{network.wide} wide", WIDE).charge(requests)

    def _of(self, name: str, clients: int) -> TokenBucket:
        credit = self._credits.get(name)
        if credit is None:
            per_second = clients * self._per_second
            credit = self._credits[name] = TokenBucket(self._clock, max(1.0, BURST_SECONDS * per_second), per_second)
        return credit


class RequestBudget:
    """Refuses requests of clients that have used up their budget.

    Args:
        app: Handles the other requests.
        budgets: Counts.
        clock: Monotonic seconds.
    """

    def __init__(self, app: ASGIApp, budgets: Budgets, clock: Callable[[], float]) -> None:
        self._app = app
        self._budgets = budgets
        self._clock = clock
        self._held = 0
        self._refused = 0
        self._logged = clock() - LOG_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket."""
        if scope["type"] == "lifespan" or scope["path"] in _FREE:
            await self._app(scope, receive, send)
            return
        address = _address(scope)
        if self._budgets.spend(address):
            await self._app(scope, receive, self._charging(address, send))
            return
        self._note()
        await self._hold()
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})  # before accepting: the peer sees 403
            return
        await send({"type": "http.response.start", "status": 429, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": _BODY})

    def _charging(self, address: str, send: Send) -> Send:
        """Charge what is sent: each piece when it is produced, also for a client that does not read it."""
        sent = 0

        async def send_and_charge(message: Message) -> None:
            nonlocal sent
            before, sent = sent // UNIT_BYTES, sent + len(message.get("body", b""))
            if units := sent // UNIT_BYTES - before:
                self._budgets.charge(address, units)
            await send(message)

        return send_and_charge

    async def _hold(self) -> None:
        # Beyond the bound, delaying refusals would itself be the attack.
        if self._held >= MAX_HELD:
            return
        self._held += 1
        try:
            await asyncio.sleep(HELD_SECONDS)
        finally:
            self._held -= 1

    def _note(self) -> None:
        self._refused += 1
        if self._clock() - self._logged >= LOG_SECONDS:
            log.warning("requests_over_budget", requests=self._refused)
            self._logged, self._refused = self._clock(), 0


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""
