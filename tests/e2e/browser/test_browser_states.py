"""All states of the page, as axe-core sees them, and as pictures.

`make pictures` writes the pictures into `.run/pictures`.
"""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from agent_core.agent_runtime import AgentRuntime
from standins.serving import serving
from tests.support.axe import violations
from tests.support.browser import Chromium
from tests.support.call_shelves import Memo
from tests.support.given_agents import given
from tests.support.page_states import CHECKED, FLOWS, PICTURED, Flow, Look, Scene, scene
from tests.support.scripted_model import ScriptedModel
from voice_agent.run.ports import free_port
from webrtc_agent.app import create_app
from webrtc_agent.settings import WebSettings
from webrtc_agent.web_service import WebService

FIRST_LOAD_BYTES = 200_000

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def base_url() -> AsyncIterator[str]:
    """Serve the built page with a silent model; a script in the page replaces the connection."""
    port = free_port()
    own = f"http://127.0.0.1:{port}"
    settings = WebSettings.model_validate(
        {"public_base_url": own, "transport": "webrtc", "max_sessions": 100, "ice_hosts": "127.0.0.1"}
        | {"call_store": "file:replaced"}  # a service with a store asks for a comment, too
        | {"rate_limit_starts_per_minute_per_address": 1000, "rate_limit_starts_per_minute": 1000}
    )
    lobby = WebService(settings, AgentRuntime(settings, ScriptedModel(), given(), lambda _: None), None, Memo())
    async with serving(create_app(lobby), host="127.0.0.1", port=port, pages=True):
        yield own
    await lobby.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def scripted(chromium: Chromium, base_url: str) -> AsyncIterator[Scene]:
    """Make a page whose agent does what a test scripts, without animations."""
    context = await chromium.browser.new_context(reduced_motion="reduce", viewport={"width": 1100, "height": 760})
    try:
        yield await scene(context, base_url)
    finally:
        await context.close()


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.__name__)
async def test_every_state_is_accessible_however_it_is_looked_at(scripted: Scene, flow: Flow) -> None:
    """axe-core finds no problem in light, dark, forced colours, phone layouts, 320 px width and at 200 %."""
    found: list[tuple[str, ...]] = []
    async for state in flow(scripted):
        for name, look in CHECKED.items():
            await look.put_on(scripted.page)
            await _take_picture(scripted, f"{state}-{name}", look)
            found += [(state, name, *one) for one in await violations(scripted.page, look.rules)]
        await PICTURED["light"].put_on(scripted.page)
    assert found == []


async def _take_picture(scripted: Scene, name: str, look: Look) -> None:
    folder = os.environ.get("SCREENSHOTS")
    if folder and look in PICTURED.values():
        Path(folder).mkdir(parents=True, exist_ok=True)
        await scripted.page.screenshot(path=Path(folder) / f"{name}.png")


async def test_an_example_starts_the_conversation_with_itself(scripted: Scene) -> None:
    """An example starts the conversation with its own text; during one, it is sent like typed words."""
    await scripted.open()
    await scripted.page.context.grant_permissions(["microphone"])
    await scripted.press("What is the weather in Stockholm?")
    await scripted.does("Thinking")
    assert await scripted.asked() == ["What is the weather in Stockholm?"]
    await scripted.open()
    await scripted.talk()
    await scripted.press("Will it rain in Lisbon tomorrow?")
    assert await scripted.asked() == ["Will it rain in Lisbon tomorrow?"]
    assert await scripted.page.locator(".question").count() == 0


async def test_one_part_of_the_page_is_announced_and_none_if_so_wanted(scripted: Scene) -> None:
    """A screen reader announces each part once, and none that plays as audio; the page remembers the choice."""
    await scripted.open()
    await scripted.talk()
    await scripted.say(1, "Hello!")
    assert await scripted.announced() == ["Conversation"]
    spoken = scripted.page.locator(".turn--agent")
    assert await spoken.get_attribute("aria-live") == "off"
    await scripted.line(steady=False)
    await scripted.does("Reconnecting")
    assert await scripted.announced() == ["Reconnecting"]
    await scripted.page.evaluate("() => document.activeElement?.blur()")
    await scripted.page.get_by_role("button", name="Screen reader announcements").press("Enter")
    assert await scripted.announced() == []
    await scripted.open()
    await scripted.talk()
    assert await scripted.announced() == []


async def test_each_page_is_its_agents_own(scripted: Scene, base_url: str) -> None:
    """Texts, title and colours are the agent's; its start names it, only its own cards load, and the policy holds."""
    page = scripted.page
    requests: list[tuple[str, str]] = []
    page.on("request", lambda request: requests.append((request.url, request.post_data or "{}")))
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    accents = set()
    for path, agent, title, placeholder, cards in (
        ("a/restaurant", "restaurant", "Bella Cucina", "Type to the restaurant", 0),
        ("", "weather", "Weather by voice", "Type your question", 2),
    ):
        requests.clear()
        await scripted.open(path)
        await page.wait_for_load_state("networkidle")
        assert await page.title() == title
        # A script and its style.
        assert len([url for url, _ in requests if url.startswith(f"{base_url}/assets/card-")]) == cards
        assert await page.locator(".questions .question").count() >= 2
        accents.add(await page.evaluate("() => getComputedStyle(document.querySelector('.orb')).backgroundImage"))
        await scripted.press("Type")
        await scripted.does("Ready")
        assert await page.get_by_label("Type to the agent").get_attribute("placeholder") == placeholder
        started = [json.loads(body) for url, body in requests if url.endswith("/start")]
        assert [one["agent"] for one in started] == [agent]
    assert len(accents) == 2
    assert refused == []


async def test_a_first_load_is_small(scripted: Scene) -> None:
    """The compressed size of everything that the page needs before use stays within its bound."""
    await scripted.open()
    sizes = await scripted.page.evaluate(
        """() => ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
            .map(({ name, encodedBodySize }) => [new URL(name).pathname, encodedBodySize])"""
    )
    assert "/" in dict(sizes)
    assert not [name for name, _ in sizes if "console" in name or "daily" in name]
    assert sum(size for _, size in sizes) <= FIRST_LOAD_BYTES
