"""Own the connections to MCP servers that the agents of a process use, by version of an agent."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from agent_core.agents.agent import Agent

if TYPE_CHECKING:
    from agent_core.tools.mcp_server import McpServer

MEET_SECONDS: Final = 3.0
"""Longest wait at the start for the catalogues of servers. Conversations that begin without one say honestly that the
service cannot be reached.
"""


class AgentServers:
    """See the module.

    Args:
        on_change: Called with an agent when its tools have changed.
    """

    def __init__(self, on_change: Callable[[Agent], None]) -> None:
        self._on_change = on_change
        # One version can be several objects, because of an undone edit: all their connections are kept.
        self._started: dict[tuple[str, str], list[McpServer]] = {}

    def start(self, agent: Agent, before: Agent | None = None) -> Agent:
        """Start the connections of an agent; return it with the tools that are known already.

        Args:
            agent: The agent.
            before: Its version so far: a server that both have keeps its catalogue, so that no conversation waits.
        """
        known = {one.options.identity: one for one in (before.servers if before is not None else ())}
        for server in agent.servers:
            if (same := known.get(server.options.identity)) is not None:
                server.adopt(same)
            server.start(lambda: self._on_change(agent))
            self._started.setdefault((agent.id, agent.version), []).append(server)
        return agent.with_current_tools() if agent.servers else agent

    async def meet(self, agents: Iterable[Agent]) -> None:
        """Start the connections of all agents, and wait a little for their catalogues."""
        servers = [server for agent in list(agents) for server in self.start(agent).servers]
        # A connection that is still missing is made later.
        with suppress(TimeoutError):
            async with asyncio.timeout(MEET_SECONDS):
                await asyncio.gather(*(server.pinned() for server in servers))

    async def forget(self, agent_id: str, version: str) -> None:
        """Close the connections of a version that no conversation uses; bounded."""
        await asyncio.gather(*(server.close() for server in self._started.pop((agent_id, version), ())))

    async def close(self) -> None:
        """Close all connections; bounded."""
        await asyncio.gather(*(self.forget(*key) for key in list(self._started)))
