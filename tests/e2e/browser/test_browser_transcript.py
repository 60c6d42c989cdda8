"""The transcript and the card: ambiguous places, units, recordings, and a transcript that remains."""

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.support.axe import violations
from tests.support.browser import Chromium
from tests.support.page import VisitorPage
from tests.support.whole_product import Product

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_visitor_is_asked_which_place_and_keeps_what_was_said(chromium: Chromium, product: Product) -> None:
    """The card shows the chosen place in the visitor's units; the transcript remains until it is discarded."""
    await chromium.microphone.will_be_silent()
    async with chromium.visit(product.state["base_url"], locale="en-US") as visit:
        page, tab = VisitorPage(visit), visit.page
        await page.type_instead()
        await page.type("weather in Springfield")
        await page.agent_has_said("Which Springfield do you mean")
        await expect(page.card.last).to_contain_text("Which Springfield?")
        await page.type("the one in Illinois")
        await page.agent_has_said(re.compile(r"degrees? fahrenheit .*in Springfield, Illinois"))
        card = page.card.last
        await expect(card).to_contain_text("Illinois, United States")
        await expect(card).to_contain_text(re.compile(r"Now, \d+:\d\d\s[AP]M local time"))
        await expect(card).to_contain_text(re.compile(r"\d °F"))
        await expect(card).to_contain_text(re.compile(r"\d mph"))
        kinds = await tab.locator(".turn").evaluate_all("turns => turns.map(turn => turn.className.split('--')[1])")
        assert kinds[-6:] == ["visitor", "card", "agent", "visitor", "card", "agent"]
        assert "weather in Springfield" in await page.asked()
        await page.press("End the conversation")
        await page.does("Ended")
        await page.take_pictures("kept")
        async with tab.expect_download() as downloading:
            await page.press("Download")
        text = Path(await (await downloading.value).path()).read_text(encoding="utf-8")
        assert "You (typed): the one in Illinois" in text
        assert "Weather in Springfield, Illinois, United States" in text
        said = await page.answered()
        await page.press("Discard")
        await expect(tab.locator(".turn")).to_have_count(0)
        await page.press("Undo discard")
        assert await page.answered() == said


async def test_a_visitor_chooses_a_place_with_a_button(chromium: Chromium, product: Product) -> None:
    """Each place is a button that answers for the visitor, once; afterwards the card lists what was offered."""
    await chromium.microphone.will_be_silent()
    async with chromium.visit(product.state["base_url"], locale="en-US") as visit:
        page, tab = VisitorPage(visit), visit.page
        await page.type_instead()
        await page.type("weather in Springfield")
        await page.agent_has_said("Which Springfield do you mean")
        choice = "Springfield, Illinois, United States"
        assert await violations(tab) == []
        await page.button(choice).focus()
        await tab.keyboard.press("Enter")
        await page.agent_has_said(re.compile(r"degrees? fahrenheit .*in Springfield, Illinois"))
        await expect(page.card.last).to_contain_text("Illinois, United States")
        assert await page.asked() == ["weather in Springfield", "Springfield, Illinois"]
        await expect(page.button(choice)).to_have_count(0)
        await expect(page.card.first.get_by_role("listitem").filter(has_text=choice)).to_have_count(1)
        await expect(page.card.first.get_by_role("heading")).to_be_focused()
        assert visit.complaints == []
