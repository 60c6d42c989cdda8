"""Log lines of a draining task carry no request's fields: a signal can interrupt any request."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import nullcontext

import pytest
import structlog
import uvicorn

from agent_core.drain import DrainingServer
from tests.support.waiting import until


class Leaving:
    """An agent that logs when it drains."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []

    async def drain(self) -> None:
        """Record the fields that a line would have."""
        self.lines.append(structlog.contextvars.get_contextvars())


async def _app(_scope: object, _receive: Callable[[], object], _send: Callable[[object], object]) -> None:
    pass


async def test_lines_of_leaving_carry_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal interrupts a request, and the request's identifiers stay out of the lines."""
    agent = Leaving()
    monkeypatch.setattr(uvicorn.Server, "capture_signals", lambda _server: nullcontext())
    config = uvicorn.Config(_app, host="127.0.0.1", port=0, lifespan="off", log_config=None)
    server = DrainingServer(config, agent)  # type: ignore[arg-type]
    with structlog.contextvars.bound_contextvars(service="phone-agent"):
        serving = asyncio.create_task(server.serve())
        await until(lambda: server.started)
    with structlog.contextvars.bound_contextvars(request_id="of somebody", web_session_id="else"):
        server.handle_exit(signal.SIGTERM, None)
    async with asyncio.timeout(5):
        await serving
    assert agent.lines == [{"service": "phone-agent"}]
