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

PATIENCE = 60.0
"""A visitor who vanished is missed within 12 s; the tests in virtual time hold the service to that."""
LONG_SECONDS = 20.0
"""A network that stays away for longer than the page waits for it."""

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_tab_that_is_closed_says_goodbye(chromium: Chromium, product: Product) -> None:
    """Nobody has to notice."""
    async with chromium.visit(product.state["base_url"]) as visit:
        await VisitorPage(visit).type_instead()
        visit_id = _last_visit(product)
        await visit.page.close()
        await until(lambda: _reason(product, visit_id) is not None, 3.0)
    assert _reason(product, visit_id) == "caller_left"


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


async def test_who_vanishes_is_missed_within_twelve_seconds(
    chromium: Chromium, product: Product, visitor: VisitorPage
) -> None:
    """One visitor's tab dies, another's network is gone for a minute: neither can say so, and the model is not paid on.

    The page that still lives tells what happened and begins anew when its visitor wants to.
    """
    async with chromium.visit(product.state["base_url"]) as dying:
        await VisitorPage(dying).type_instead()
        visits = [_last_visit(product)]
        await visitor.type_instead()
        visits.append(_last_visit(product))
        async with dying.page.expect_event("crash"):
            crash = asyncio.ensure_future(dying.devtools.send("Page.crash"))
        async with chromium.without_network():
            gone = time.monotonic()
            await until(lambda: None not in [_reason(product, one) for one in visits], PATIENCE)
            await visitor.take_pictures("reconnecting")
            await expect(visitor.problem).to_contain_text("The connection was lost", timeout=30_000)
            await visitor.take_pictures("lost")
            await asyncio.sleep(gone + LONG_SECONDS - time.monotonic())
        crash.cancel()
        await asyncio.gather(crash, return_exceptions=True)
    assert [_reason(product, one) for one in visits] == ["peer_lost", "peer_lost"]
    await visitor.press("Try again")
    await visitor.is_connected()
    assert _last_visit(product) not in visits


def _last_visit(product: Product) -> str:
    began = [line for line in product.log("webrtc-agent") if line["event"] == "visit_began"]
    return str(began[-1]["visit_id"])


def _reason(product: Product, visit_id: str) -> str | None:
    ended = [line for line in product.log("webrtc-agent") if line["event"] == "session_ended"]
    reasons = [str(line["reason"]) for line in ended if line["visit_id"] == visit_id]
    assert len(reasons) <= 1, reasons
    return reasons[0] if reasons else None
