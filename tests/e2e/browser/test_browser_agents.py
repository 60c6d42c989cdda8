"""Each agent has a page of its own in a real browser, from its colours to the card of its tool."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.support.axe import violations
from tests.support.browser import Chromium
from tests.support.page import VisitorPage
from tests.support.whole_product import Product

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOOKING = "I would like to book a table for two on Friday evening"
ALL_AT_ONCE = "please book a table for four on Thursday at seven thirty under the name Baker"
_ACCENT = "() => getComputedStyle(document.documentElement).getPropertyValue('--accent')"


@pytest_asyncio.fixture(loop_scope="session")
async def guest(chromium: Chromium, product: Product) -> AsyncIterator[VisitorPage]:
    """Open the restaurant's page."""
    await chromium.microphone.will_be_silent()
    async with chromium.visit(f"{product.state['base_url']}/a/restaurant") as visit:
        yield VisitorPage(visit)


async def is_accessible(page: VisitorPage) -> None:
    """Check the page with axe-core in the light and in the dark theme."""
    for scheme in ("light", "dark"):
        await page.visit.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert await violations(page.visit.page) == [], scheme


async def test_a_typed_booking_shows_its_card(guest: VisitorPage, product: Product) -> None:
    """The restaurant's page has its texts and colours, its agent books a table, and the page shows the booking."""
    page = guest.visit.page
    await expect(page).to_have_title("Bella Cucina")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Book a table, change it or cancel it.")
    await expect(guest.button(BOOKING)).to_be_visible()
    assert "#b3261e" in await page.evaluate(_ACCENT)
    await is_accessible(guest)
    await guest.take_pictures("restaurant")
    await guest.press("Type")
    await guest.is_connected()
    await expect(page.get_by_label("Type to the agent")).to_have_attribute("placeholder", "Type to the restaurant")
    await guest.type(ALL_AT_ONCE)
    await expect(guest.card).to_have_count(1, timeout=60_000)
    await expect(guest.card).to_contain_text("Table")
    assert await guest.card.locator("dt").count() >= 2
    await is_accessible(guest)
    await guest.take_pictures("restaurant-booked")
    assert guest.visit.hosts() == {product.state["base_url"].partition("://")[2]}
    assert await guest.visit.refused_by_policy() == []


async def test_the_default_agent_has_its_own_card(visitor: VisitorPage) -> None:
    """The start page is the weather agent's, with its texts, no colours of another agent, and its own card."""
    page = visitor.visit.page
    await expect(page).to_have_title("Weather by voice")
    assert "#b3261e" not in await page.evaluate(_ACCENT)
    await visitor.press("Type")
    await visitor.is_connected()
    await visitor.type("what is the weather in Oslo")
    await expect(visitor.card).to_contain_text("Oslo", timeout=60_000)
    await expect(visitor.card.locator("svg.hours")).to_be_visible()
    await is_accessible(visitor)
    await visitor.take_pictures("weather")
