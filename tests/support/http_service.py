"""A small HTTP service on loopback for tools to ask."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web


@asynccontextmanager
async def http_service(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]], certificate: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Answer every request while the block runs; the block gets the port.

    Args:
        answer: Answers a request.
        certificate: Makes it HTTPS.
    """
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificate).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
