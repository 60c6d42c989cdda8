"""However a visitor goes, the service notices, and a short loss of the network is none."""

import asyncio
import re
import time

import pytest
from playwright.async_api import expect

from tests.support.browser import Chromium
from tests.support.page import VisitorPage
from tests.support.waiting import until
from tests.support.whole_product import Product

NOTICED_SECONDS = 12.0
"""Within so long a visitor who vanished is missed."""

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_tab_that_is_closed_says_goodbye(chromium: Chromium, product: Product) -> None:
    """Nobody has to notice."""
    async with chromium.visit(product.state["base_url"]) as visit:
        await VisitorPage(visit).type_instead()
        visit_id = _last_visit(product)
        await visit.page.close()
        await until(lambda: _reason(product, visit_id) is not None, 3.0)
    assert _reason(product, visit_id) == "caller_left"


async def test_a_tab_that_dies_is_missed_within_twelve_seconds(chromium: Chromium, product: Product) -> None:
    """It cannot say anything any more, and the model would be paid until somebody notices."""
    async with chromium.visit(product.state["base_url"]) as visit:
        await VisitorPage(visit).type_instead()
        visit_id = _last_visit(product)
        gone = time.monotonic()
        dying = asyncio.ensure_future(visit.devtools.send("Page.crash"))
        await until(lambda: _reason(product, visit_id) is not None, NOTICED_SECONDS + 1.0)
        assert time.monotonic() - gone <= NOTICED_SECONDS
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
    assert _reason(product, visit_id) in ("peer_lost", "caller_left")


async def test_a_network_that_is_back_after_five_seconds_changes_nothing(
    chromium: Chromium, product: Product, visitor: VisitorPage
) -> None:
    """The same conversation goes on: what was said stands there, and the next question is answered."""
    await visitor.type_instead()
    visit_id = _last_visit(product)
    async with chromium.without_network():
        await asyncio.sleep(5.0)
    await visitor.does("Ready")
    await visitor.type("what is the weather in Oslo")
    await visitor.agent_has_said(re.compile("in Oslo"))
    assert _reason(product, visit_id) is None
    assert _last_visit(product) == visit_id


async def test_a_network_that_stays_away_ends_the_conversation(
    chromium: Chromium, product: Product, visitor: VisitorPage
) -> None:
    """The service stops paying for it within twelve seconds; the page says what happened once it can know."""
    await visitor.type_instead()
    visit_id = _last_visit(product)
    async with chromium.without_network():
        gone = time.monotonic()
        await until(lambda: _reason(product, visit_id) is not None, NOTICED_SECONDS + 1.0)
        assert time.monotonic() - gone <= NOTICED_SECONDS
        await visitor.take_pictures("reconnecting")
    await expect(visitor.problem).to_contain_text("The connection was lost", timeout=30_000)
    await visitor.take_pictures("lost")


def _last_visit(product: Product) -> str:
    began = [line for line in product.log("webrtc-agent") if line["event"] == "visit_began"]
    return str(began[-1]["visit_id"])


def _reason(product: Product, visit_id: str) -> str | None:
    ended = [line for line in product.log("webrtc-agent") if line["event"] == "session_ended"]
    reasons = [str(line["reason"]) for line in ended if line["visit_id"] == visit_id]
    assert len(reasons) <= 1, reasons
    return reasons[0] if reasons else None
