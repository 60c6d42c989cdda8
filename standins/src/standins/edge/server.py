"""The load balancer stand-in as a server."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from standins.edge import balancer
from standins.edge.balancer import Balancer
from standins.edge.client_connection import ClientConnection, EdgeState
from standins.edge.forwarded_headers import HeaderRules
from standins.edge.http1 import Wire
from standins.edge.rules import Router
from standins.edge.targets import EdgeTarget, Group, Log
from standins.edge.template_rules import RuleTemplate, TemplateError

ABOUT = (
    "Stand-in for the load balancer: routes, forwards and times out as in infra/cloudformation/edge.yaml; "
    "no TLS, no HTTP/2, no firewall, one node"
)
TEMPLATE = Path("infra/cloudformation/edge.yaml")

type Address = tuple[str, int]


def _silent(_: dict[str, object]) -> None:
    pass


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """Settings of the stand-in.

    Args:
        template: Text of the CloudFormation template.
        targets: Host and port of the processes in each target group, by its logical name; a missing group has none,
            and responds with 503.
        port: 0 selects a free port.
        host: Address to listen on.
        listener: Port of the template's listener to simulate. 443 is served without TLS, but targets see https in the
            X-Forwarded-Proto header.
        parameters: Parameters of the template.
        hurry: Factor by which timeouts, intervals and drain times run faster, for tests.
        log: Called with one event for each response of the load balancer itself, and for each change of a target.
    """

    template: str
    targets: Mapping[str, Sequence[Address]] = field(default_factory=dict)
    port: int = 0
    host: str = "127.0.0.1"
    listener: int = 80
    parameters: Mapping[str, str] = field(default_factory=dict)
    hurry: float = 1.0
    log: Log = _silent


class Edge:
    """A running stand-in, for the duration of an ``async with`` block.

    Raises:
        TemplateError: The template uses an unsupported feature.
    """

    def __init__(self, settings: EdgeSettings) -> None:
        self._settings = settings
        described = balancer.read(RuleTemplate(settings.template, settings.parameters))
        unknown = set(settings.targets) - set(described.groups)
        # A misspelt group would otherwise be a group without targets.
        if unknown or settings.listener not in described.listeners:
            raise TemplateError(f"no such target group or listener: {', '.join(unknown) or settings.listener}")
        self._server_state = _server_state(settings, described)
        self._visits: set[asyncio.Task[None]] = set()
        self._running = AsyncExitStack()
        self.port = settings.port

    async def __aenter__(self) -> Self:
        """Open the port.

        Raises:
            OSError: The port is in use.
        """
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Wire(self._came), self._settings.host, self._settings.port)
        # With port 0, the system has chosen one.
        self.port = self._server_state.port = server.sockets[0].getsockname()[1]
        self._running.push_async_callback(self._close, server)
        for group in self._server_state.groups.values():
            watching = asyncio.create_task(group.watch())
            self._running.push_async_callback(_cancelled, watching)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        await self._running.aclose()

    @property
    def url(self) -> str:
        """Base URL."""
        return f"http://{self._settings.host}:{self.port}"

    @property
    def connections(self) -> int:
        """Number of connected clients."""
        return len(self._visits)

    def targets(self, group: str) -> list[EdgeTarget]:
        """Return the targets of a group."""
        return self._server_state.groups[group].targets

    def register(self, group: str, address: Address) -> EdgeTarget:
        """Register a target, as a deployment does."""
        return self._server_state.groups[group].register(*address)

    @property
    def groups(self) -> list[str]:
        """Names of the template's target groups."""
        return list(self._server_state.groups)

    def deregister(self, group: str, target: EdgeTarget) -> None:
        """Deregister a target, as a deployment does."""
        self._server_state.groups[group].deregister(target)

    def _came(self, wire: Wire) -> None:
        visit = asyncio.create_task(ClientConnection(wire, self._server_state).serve())
        self._visits.add(visit)
        visit.add_done_callback(self._visits.discard)

    async def _close(self, server: asyncio.Server) -> None:
        server.close()
        # Visits first: they still use the targets' connections.
        await asyncio.gather(*(_cancelled(visit) for visit in list(self._visits)))
        for group in self._server_state.groups.values():
            group.close()


def _server_state(settings: EdgeSettings, described: Balancer) -> EdgeState:
    listener = described.listeners[settings.listener]
    groups = {
        name: Group(group, settings.targets.get(name, ()), settings.hurry, settings.log)
        for name, group in described.groups.items()
    }
    return EdgeState(
        router=Router(listener),
        groups=groups,
        headers=HeaderRules(described.drops_invalid_headers, described.forwarded_for),
        # Time runs faster for tests, also for this timeout.
        idle_seconds=described.idle / settings.hurry,
        protocol=listener.protocol.lower(),
        log=settings.log,
    )


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


def find_template(*starts: Path) -> Path:
    """Find the template in one of these folders or above; by default in the current folder, then from this file.

    Raises:
        TemplateError: It was not found.
    """
    for start in starts or (Path.cwd(), Path(__file__)):
        for folder in (start, *start.parents):
            if (folder / TEMPLATE).is_file():
                return folder / TEMPLATE
    raise TemplateError(f"{TEMPLATE} not found in this folder or its parents: pass --template")
