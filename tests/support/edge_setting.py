"""A stand-in load balancer with services behind it, and raw HTTP requests to it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from standins.edge.server import Edge, EdgeSettings, find_template
from tests.support.edge_targets import TellingApp

TEMPLATE = find_template(Path(__file__)).read_text()
PHONE, WEB = "PhoneTargetGroup", "WebTargetGroup"


@dataclass
class Setting:
    """An edge with a phone service and two web services behind it."""

    edge: Edge
    phone: TellingApp
    webs: list[TellingApp]
    events: list[dict[str, object]] = field(default_factory=list)

    def reasons(self) -> list[object]:
        """Return the responses that the edge gave in place of a target."""
        return [event["reason"] for event in self.events if event["event"] == "edge_answered"]


@asynccontextmanager
async def placed(**parameters: str) -> AsyncIterator[Setting]:
    """Start an edge in which a second is a minute."""
    async with AsyncExitStack() as stack:
        phone, webs, events = TellingApp("phone"), [TellingApp("web"), TellingApp("web 2")], list[dict[str, object]]()
        addresses = [await stack.enter_async_context(app.serving()) for app in (phone, *webs)]
        targets = {PHONE: addresses[:1], WEB: addresses[1:]}
        settings = EdgeSettings(TEMPLATE, targets, hurry=60, parameters=parameters, log=events.append)
        edge = await stack.enter_async_context(Edge(settings))
        yield Setting(edge, phone, webs, events)


async def talk(port: int, *pieces: bytes) -> bytes:
    """Send raw bytes and read until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(20):
            return await reader.read()
    finally:
        writer.close()


def get(path: str, *headers: str) -> bytes:
    """Write a request that closes its connection."""
    lines = [f"GET {path} HTTP/1.1", "Host: agent.example", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def answered(raw: bytes) -> dict[str, Any]:
    """Return the JSON of an answer with a known length."""
    body: dict[str, Any] = json.loads(raw.partition(b"\r\n\r\n")[2])
    return body
