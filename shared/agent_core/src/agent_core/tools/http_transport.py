"""Send an HTTP request to a checked address, whatever its host's name resolves to meanwhile."""

import ssl
from collections.abc import AsyncIterator
from functools import cache

import httpx

from agent_core.tools.outbound import Outbound

MAX_BYTES = 64 * 1024
"""Largest answer: a model reads a few kilobytes, and more costs each turn of the conversation."""


@cache
def _trusted() -> ssl.SSLContext:
    """Return the certificates to verify with, ``SSL_CERT_FILE`` included; read once, because that takes 20 ms."""
    return httpx.create_ssl_context()


class CheckedTransport(httpx.AsyncBaseTransport):
    """Replaces the host of each request by an address that was checked; TLS still verifies the host's name.

    It knows no proxy, which would resolve the name again, keeps no cookie and follows no redirect.

    Args:
        outbound: Decides which addresses are allowed.
        inner: Sends the request; real connections by default.
    """

    def __init__(self, outbound: Outbound, inner: httpx.AsyncBaseTransport | None = None) -> None:
        self._outbound = outbound
        # Closed after each request: tools are used seldom, and no open connection has to be owned.
        closing = httpx.Limits(max_keepalive_connections=0)
        self._inner = inner or httpx.AsyncHTTPTransport(verify=_trusted(), limits=closing)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request.

        Raises:
            NotReachable: its host has an address that no tool may use.
            httpx.UnsupportedProtocol: its URL is none that a tool may use.
        """
        try:
            target = self._outbound.target(str(request.url))
        except ValueError as error:
            raise httpx.UnsupportedProtocol(str(error)) from None
        address = await self._outbound.address(target)
        checked = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,  # contains Host with the name
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": target.host},
        )
        return await self._inner.handle_async_request(checked)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._inner.aclose()


async def bounded(stream: AsyncIterator[bytes], most: int = MAX_BYTES) -> bytes | None:
    """Return a body; None if it is too large, without reading the rest."""
    body = bytearray()
    async for chunk in stream:
        body += chunk
        if len(body) > most:
            return None
    return bytes(body)
