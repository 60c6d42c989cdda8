"""The developer console in a conversation with the whole product."""

import re

import pytest
from playwright.async_api import expect

from tests.support.axe import violations
from tests.support.browser import Chromium
from tests.support.page import VisitorPage
from tests.support.whole_product import Product

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_console_shows_what_a_conversation_takes(chromium: Chromium, product: Product) -> None:
    """The console shows tokens and latency as the service measured them, the tool and every event.

    The reply stands below its question.
    """
    async with chromium.visit(f"{product.state['base_url']}/console") as visit:
        page, visitor = visit.page, VisitorPage(visit)
        await visitor.press("Connect without a microphone")
        await visitor.greeted()
        await visitor.type("what is the weather in Oslo")
        await visitor.agent_has_said(re.compile("in Oslo"))
        turns = await page.locator(".turn").all_text_contents()
        asked = next(at for at, turn in enumerate(turns) if "what is the weather in Oslo" in turn)
        assert any("in Oslo" in turn for turn in turns[asked + 1 :])
        figures = page.locator(".figures > div")
        for label in ("Tokens in", "Tokens out", "Answers"):
            await expect(figures.filter(has_text=label)).to_have_text(re.compile(rf"{label}[1-9]\d*$"))
        await expect(figures.filter(has_text="Last answer after")).to_have_text(re.compile(r"after[1-9]\d* ms"))
        await expect(page.get_by_role("list", name="Tools")).to_contain_text("get_current_weather")
        await page.get_by_label("Filter the events").fill("prompt_tokens")
        await expect(page.locator(".events li").first).to_contain_text("metrics")
        await visitor.take_pictures("console")
        assert await violations(page) == []
        assert await visit.refused_by_policy() == []
        await visitor.press("End the conversation")
        await expect(visitor.button("Connect without a microphone")).to_be_visible()
