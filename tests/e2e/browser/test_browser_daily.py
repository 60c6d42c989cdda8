"""The page and the console with audio through Daily: Daily's own library, and a stand-in for its bundle.

The library fetches the bundle from Daily when a call begins. Our policy must allow that, and nothing more.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route

from agent_core.agent_runtime import AgentRuntime
from standins.serving import serving
from tests.support.agents import one_agent
from tests.support.browser import Chromium
from tests.support.page import VisitorPage
from tests.support.scripted_model import ScriptedModel
from tests.unit.webrtc_agent.conftest import FakeRooms
from voice_agent.run.ports import free_port
from webrtc_agent.app import create_app
from webrtc_agent.settings import WebSettings
from webrtc_agent.web_service import WebService

BUNDLE = Path(__file__).parent / "call_machine.js"
HOST = "c.daily.co"
ROOM = {"url": "https://talk.daily.co/room", "token": "visitor-token"}

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def base_url() -> AsyncIterator[str]:
    """Serve the page in Daily mode, with rooms that no agent joins."""
    port = free_port()
    own = f"http://127.0.0.1:{port}"
    settings = WebSettings.model_validate({"public_base_url": own, "serve_console": True})
    lobby = WebService(settings, AgentRuntime(settings, ScriptedModel(), one_agent([]), lambda _: None), FakeRooms())
    async with serving(create_app(lobby), host="127.0.0.1", port=port, pages=True):
        yield own
    await lobby.aclose()


async def test_the_page_joins_with_a_strict_policy(chromium: Chromium, base_url: str) -> None:
    """The bundle runs under the policy without a violation, and gets the room and the token."""
    async with chromium.visit(base_url) as visit:
        served = await _serve(visit.page)
        visitor = VisitorPage(visit)
        await visit.permit(microphone=True)
        await visitor.press("Talk")
        assert await _joined(visit.page) == ROOM
        assert await visit.refused_by_policy() == []
        assert served == {HOST}


async def test_the_console_joins_with_a_strict_policy(chromium: Chromium, base_url: str) -> None:
    """The console makes Daily's client with the kit's own code, from the same options."""
    async with chromium.visit(f"{base_url}/console") as visit:
        await _serve(visit.page)
        await visit.permit(microphone=True)
        await visit.page.get_by_role("button", name="Connect").first.click()
        assert await _joined(visit.page) == ROOM
        assert await visit.refused_by_policy() == []


async def _serve(page: Page) -> set[str]:
    """Serve the bundle in place of Daily, and return the hosts of its requests."""
    served: set[str] = set()

    async def give(route: Route) -> None:
        host = route.request.url.split("/")[2]
        if route.request.url.endswith("/call-machine-object-bundle.js"):
            served.add(host)
            await route.fulfill(path=BUNDLE, content_type="text/javascript")
        else:
            await route.abort()

    for name in ("daily.co", "dailywebrtc.com", "dailywebrtc.net"):
        await page.route(f"https://*.{name}/**", give)
    return served


async def _joined(page: Page) -> Any:  # noqa: ANN401 - JSON
    async with asyncio.timeout(60):
        await page.wait_for_function("() => globalThis.callMachine?.joins.length > 0", timeout=25_000)
    return await page.evaluate("() => callMachine.joins[0]")
