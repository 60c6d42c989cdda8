"""Connections to a checked address verify the certificate of the name, not of the address."""

import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import httpx
import httpx2
import pytest
import pytest_asyncio
import trustme
from aiohttp import web

from agent_core.tools import http_transport, mcp_session
from agent_core.tools.outbound import Outbound
from tests.support.http_service import http_service

NAME = "desk.example.com"


async def here(_host: str, _port: int) -> Sequence[str]:
    """Resolve every name to this machine."""
    return ["127.0.0.1"]


@dataclass(frozen=True)
class Served:
    """A server with TLS: its port, the authority of its certificate, and the names that clients asked for."""

    port: int
    trusted: ssl.SSLContext
    asked: list[str | None]

    def url(self, name: str) -> str:
        """Return a URL that leads to it."""
        return f"https://{name}:{self.port}/"

    def outbound(self, name: str) -> Outbound:
        """Return what tools may reach if this name has a private address."""
        return Outbound(frozenset({f"{name}:{self.port}"}), here)


@pytest_asyncio.fixture
async def served() -> AsyncIterator[Served]:
    """Serve on loopback with a certificate for one name."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(NAME).configure_cert(context)
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"host": request.host})

    async with http_service(answer, context) as port:
        yield Served(port, trusted, asked)


async def test_the_name_is_asked_for_and_verified_over_http(served: Served) -> None:
    """The certificate of another name is refused, although the address is the same."""
    for name, good in ((NAME, True), ("other.example.com", False)):
        inner = httpx.AsyncHTTPTransport(verify=served.trusted)
        transport = http_transport.CheckedTransport(served.outbound(name), inner)
        async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
            if good:
                assert (await client.get(served.url(name))).json() == {"host": f"{NAME}:{served.port}"}
                continue
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await client.get(served.url(name))
    assert served.asked == [NAME, "other.example.com"]


async def test_the_name_is_asked_for_and_verified_over_mcp(served: Served) -> None:
    """The SDK's HTTP client follows the same rule."""
    for name, good in ((NAME, True), ("other.example.com", False)):
        inner = httpx2.AsyncHTTPTransport(verify=served.trusted)
        transport = mcp_session.CheckedTransport(served.outbound(name), inner)
        async with httpx2.AsyncClient(transport=transport, trust_env=False) as client:
            if good:
                assert (await client.get(served.url(name))).json() == {"host": f"{NAME}:{served.port}"}
                continue
            with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await client.get(served.url(name))
    assert served.asked == [NAME, "other.example.com"]


async def test_an_unknown_authority_is_refused_by_default(served: Served) -> None:
    """No part of the way switches verification off."""
    request = httpx.Request("GET", served.url(NAME))
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        await http_transport.CheckedTransport(served.outbound(NAME)).handle_async_request(request)
    with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        await mcp_session.CheckedTransport(served.outbound(NAME)).handle_async_request(
            httpx2.Request("GET", served.url(NAME))
        )
