"""The load balancer's targets: health, selection, draining, and connection reuse."""

import asyncio
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import h11
import httpx

from standins.edge import balancer
from standins.edge.balancer import HealthCheck
from standins.edge.fixed_responses import Unanswered
from standins.edge.forwarded_headers import Headers
from standins.edge.h11_connection import H11Connection
from standins.edge.http1 import Wire
from standins.edge.stickiness import Stickiness

CONNECT_SECONDS = 10.0
"""Timeout for connecting to a target."""
_MOST_KEPT = 64

type Log = Callable[[dict[str, object]], None]


@dataclass(slots=True)
class Health:
    """Counts health check results. The first result of a new target decides immediately."""

    check: HealthCheck
    healthy: bool | None = None
    _streak: int = 0

    def note(self, *, good: bool) -> bool:
        """Record a result; return whether the target's health changed."""
        # Consecutive results count, as at AWS.
        self._streak = 0 if good == self.healthy else self._streak + 1
        needed = self.check.healthy if good else self.check.unhealthy
        if self.healthy is not None and self._streak < needed:
            return False
        changed = good != self.healthy
        self.healthy, self._streak = good, 0
        return changed


@dataclass(slots=True, eq=False)
class EdgeTarget:
    """One process."""

    host: str
    port: int
    health: Health
    outstanding: int = 0
    """Number of open requests and WebSockets."""
    leaving: bool = False
    unused: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it is draining and has no open requests."""
    kept: list[H11Connection] = field(default_factory=list)
    busy: set[Wire] = field(default_factory=set)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"

    async def connect(self) -> H11Connection:
        """Return a connection: an idle one if there is one, otherwise a new one.

        Raises:
            Unanswered: The target refuses (502), or does not respond in time (504).
        """
        # A kept connection may have been closed by the target meanwhile.
        while self.kept:
            peer = self.kept.pop()
            if peer.wire.usable:
                return peer
            peer.wire.close()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, wire = await asyncio.get_running_loop().create_connection(Wire, self.host, self.port)
        except TimeoutError:
            raise Unanswered(504, "target_connect_timeout") from None
        except OSError:
            raise Unanswered(502, "target_refused") from None
        return H11Connection(wire, h11.CLIENT)

    @contextmanager
    def using(self, peer: H11Connection) -> Iterator[None]:
        """Count a request as open for the duration of the block; then reuse its connection or close it."""
        self.outstanding += 1
        self.busy.add(peer.wire)
        try:
            yield
        finally:
            self.outstanding -= 1
            self.busy.discard(peer.wire)
            if self.leaving and not self.outstanding:
                self.unused.set()
            # Keep it only if both sides have finished, and the target stays.
            if not self.leaving and len(self.kept) < _MOST_KEPT and peer.next_cycle():
                self.kept.append(peer)
            else:
                peer.wire.close()

    def close(self) -> None:
        """Close all connections."""
        for wire in (*self.busy, *(peer.wire for peer in self.kept)):
            wire.close()
        self.kept.clear()


class Group:
    """The targets of one service.

    Args:
        described: The target group in the template.
        addresses: Host and port of each target.
        hurry: Factor by which time runs faster.
    """

    def __init__(
        self, described: balancer.TargetGroup, addresses: Sequence[tuple[str, int]], hurry: float, log: Log
    ) -> None:
        self._described = described
        self._hurry = hurry
        self._log = log
        self._turn = 0
        sticky = described.sticky_seconds
        self._stickiness = None if sticky is None else Stickiness(sticky / hurry)
        self._farewells: set[asyncio.Task[None]] = set()
        self.targets: list[EdgeTarget] = []
        for host, port in addresses:
            self.register(host, port)

    def register(self, host: str, port: int) -> EdgeTarget:
        """Add a target; its first health check decides whether it is healthy."""
        target = EdgeTarget(host, port, Health(self._described.health))
        self.targets.append(target)
        return target

    def choose(self, headers: Sequence[tuple[bytes, bytes]] = ()) -> EdgeTarget:
        """Select a target for a request; if none is healthy, any of them, as in the original ("fail open").

        Args:
            headers: Headers of the request; with stickiness, a cookie may name the target.

        Raises:
            Unanswered: There is no target (503).
        """
        registered = [target for target in self.targets if not target.leaving]
        if not registered:
            raise Unanswered(503, "no_target")
        # "Fail open": without a healthy target, AWS sends requests to all of them.
        some = [target for target in registered if target.health.healthy] or registered
        wanted = self._stickiness.address(headers) if self._stickiness else None
        if bound := next((target for target in some if target.address == wanted), None):
            return bound
        self._turn += 1
        # Rotate first, so that targets with the same number of open requests take turns.
        turned = some[self._turn % len(some) :] + some[: self._turn % len(some)]
        return min(turned, key=lambda target: target.outstanding) if self._described.least_outstanding else turned[0]

    def cookies(self, target: EdgeTarget) -> Headers:
        """Return the headers that bind the client to a target, if the group is sticky."""
        return self._stickiness.cookies(target.address) if self._stickiness else []

    def deregister(self, target: EdgeTarget) -> None:
        """Send no new requests to a target; open ones may continue until the deregistration delay is over.

        An idle target is removed immediately, as in the original.
        """
        # The target stays in the list until its requests have ended, so that it is still shown.
        target.leaving = True
        if not target.outstanding:
            target.unused.set()
        self._log({"event": "target_draining", "group": self._described.name, "target": target.address})
        farewell = asyncio.create_task(self._see_off(target))
        self._farewells.add(farewell)
        farewell.add_done_callback(self._farewells.discard)

    async def _see_off(self, target: EdgeTarget) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._described.drain / self._hurry):
                await target.unused.wait()
        # Counted before closing, which ends the remaining requests.
        cut = target.outstanding
        target.close()
        self.targets.remove(target)
        self._log({"event": "target_unused", "group": self._described.name, "target": target.address, "cut": cut})

    async def watch(self) -> None:
        """Run health checks until cancelled."""
        check = self._described.health
        # Without authorities: the checks are plain HTTP, and httpx would load 150 certificates for each group.
        no_authority = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        async with httpx.AsyncClient(trust_env=False, verify=no_authority, timeout=check.timeout) as client:
            while True:
                # All at once, so that a slow target does not delay the others' checks.
                await asyncio.gather(*(self._ask(client, target) for target in self.targets))
                await asyncio.sleep(check.interval / self._hurry)

    async def _ask(self, client: httpx.AsyncClient, target: EdgeTarget) -> None:
        check = self._described.health
        try:
            answer = await client.get(f"http://{target.address}{check.path}")
            good = check.accepts(answer.status_code)
        except httpx.HTTPError:
            good = False
        if target.health.note(good=good):
            event = {"event": "target_health", "group": self._described.name, "target": target.address}
            self._log({**event, "healthy": good})

    def close(self) -> None:
        """Close all connections to targets."""
        for farewell in self._farewells:
            farewell.cancel()
        for target in self.targets:
            target.close()
