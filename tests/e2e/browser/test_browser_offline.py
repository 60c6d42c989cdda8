"""A visitor who cannot reach the service sees our page with a way out, and a new deployment replaces it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page, expect

from agent_core.agent_runtime import AgentRuntime
from standins.serving import serving
from tests.support.agents import one_agent
from tests.support.axe import violations
from tests.support.browser import Chromium
from tests.support.scripted_model import ScriptedModel
from tests.support.waiting import until
from voice_agent.run.ports import free_port
from webrtc_agent.app import create_app
from webrtc_agent.settings import WebSettings
from webrtc_agent.web_service import WebService

pytestmark = pytest.mark.asyncio(loop_scope="session")

OLD, NEW = "+46850000000", "+46850000001"
_KEPT = """
async () => {
  const found = [];
  for (const name of await caches.keys()) {
    for (const { url } of await (await caches.open(name)).keys()) found.push(new URL(url).pathname);
  }
  return found.sort();
}
"""
_PAGE = "async () => (await (await caches.match('/offline'))?.text()) ?? ''"


@asynccontextmanager
async def deployed(port: int, phone: str) -> AsyncIterator[None]:
    """Serve the built page, with this number of the operator."""
    settings = WebSettings.model_validate(
        {"public_base_url": f"http://127.0.0.1:{port}", "transport": "webrtc", "operator_phone": phone}
    )
    web_service = WebService(settings, AgentRuntime(settings, ScriptedModel(), one_agent([]), lambda _: None))
    async with serving(create_app(web_service), host="127.0.0.1", port=port, pages=True):
        yield
    await web_service.aclose()


@asynccontextmanager
async def only_a_load_balancer(port: int) -> AsyncIterator[None]:
    """Answer as a load balancer does that has no task."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 503 Service Temporarily Unavailable\r\nContent-Length: 3\r\nConnection: close\r\n\r\n503"
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    async with server:
        yield


async def sees_the_page(page: Page, phone: str) -> None:
    """Reload, and see our own page."""
    await page.reload()
    await expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    await expect(page.get_by_role("link", name=phone)).to_have_attribute("href", f"tel:{phone}")


async def test_a_visitor_without_connection_sees_our_page(chromium: Chromium) -> None:
    """Without service or network a reload shows our page; a deployment replaces it; nothing else is ever kept."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    async with deployed(port, OLD):
        visiting = chromium.visit(url)
        visit = await visiting.__aenter__()
        page = visit.page
        await page.evaluate("async () => void await navigator.serviceWorker.ready")
    try:
        await sees_the_page(page, OLD)
        assert await violations(page) == []
        await page.get_by_role("link", name="Try again").click()
        await expect(page.get_by_role("heading", name="No connection")).to_be_visible()
        async with only_a_load_balancer(port):
            await sees_the_page(page, OLD)
        async with deployed(port, NEW):
            await page.get_by_role("link", name="Try again").click()
            await expect(page.get_by_role("button", name="Talk")).to_be_visible()
            await until(lambda: _has(page, NEW), 20)
            await page.context.set_offline(True)
            await sees_the_page(page, NEW)
            await page.context.set_offline(False)
            await page.get_by_role("link", name="Try again").click()
            await expect(page.get_by_role("button", name="Talk")).to_be_visible()
            await page.reload()  # controlled by the worker from the start
            await expect(page.get_by_role("button", name="Talk")).to_be_visible()
            assert await page.evaluate(_KEPT) == ["/favicon.svg", "/offline", "/plain.css"]
            assert await page.evaluate("async () => (await fetch('/offline.txt')).status") == 404
        await sees_the_page(page, NEW)
        assert visit.hosts() == {f"127.0.0.1:{port}"}
        assert await visit.refused_by_policy() == []
    finally:
        await visiting.__aexit__(None, None, None)


async def _has(page: Page, phone: str) -> bool:
    return phone in str(await page.evaluate(_PAGE))
