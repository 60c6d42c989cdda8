"""The service detects every way in which a visitor leaves, and survives a short network loss."""

import asyncio
import re

import pytest

from tests.support.browser import Chromium
from tests.support.page import VisitorPage
from tests.support.waiting import until
from tests.support.whole_product import Product

PATIENCE = 60.0
"""The service detects a lost visitor within 12 s; the tests in virtual time enforce that."""

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_tab_that_is_closed_says_goodbye(chromium: Chromium, product: Product) -> None:
    """A closed tab says goodbye, so the service detects it at once.

    The page may be loaded again, so the record waits.
    """
    async with chromium.visit(product.state["base_url"]) as visit:
        await VisitorPage(visit).type_instead()
        web_session_id = _last_visit(product)
        await visit.page.close()
        await until(lambda: _paused(product, web_session_id) is not None, 3.0)
    assert _paused(product, web_session_id) == "caller_hung_up"


async def test_a_network_that_is_back_after_five_seconds_changes_nothing(
    chromium: Chromium, product: Product, visitor: VisitorPage
) -> None:
    """After five seconds without a network the conversation continues, with its transcript and a new reply."""
    await visitor.type_instead()
    web_session_id = _last_visit(product)
    async with chromium.without_network():
        await asyncio.sleep(5.0)
    await visitor.does("Ready")
    await visitor.type("what is the weather in Oslo")
    await visitor.agent_has_said(re.compile("in Oslo"))
    assert _reason(product, web_session_id) is None
    assert _last_visit(product) == web_session_id


async def test_who_vanishes_is_missed_within_twelve_seconds(chromium: Chromium, product: Product) -> None:
    """The service detects a crashed tab within 12 s and closes the model stream.

    The record follows if the visitor stays away.
    """
    async with chromium.visit(product.state["base_url"]) as dying:
        await VisitorPage(dying).type_instead()
        web_session_id = _last_visit(product)
        async with dying.page.expect_event("crash"):
            crash = asyncio.ensure_future(dying.devtools.send("Page.crash"))
        await until(lambda: _paused(product, web_session_id) is not None, PATIENCE)
        crash.cancel()
        await asyncio.gather(crash, return_exceptions=True)
    assert _paused(product, web_session_id) == "media_disconnected"


def _last_visit(product: Product) -> str:
    began = [line for line in product.log("webrtc-agent") if line["event"] == "session_created"]
    return str(began[-1]["web_session_id"])


def _paused(product: Product, web_session_id: str) -> str | None:
    paused = [line for line in product.log("webrtc-agent") if line["event"] == "session_paused"]
    return next((str(line["reason"]) for line in paused if line["web_session_id"] == web_session_id), None)


def _reason(product: Product, web_session_id: str) -> str | None:
    ended = [line for line in product.log("webrtc-agent") if line["event"] == "session_ended"]
    reasons = [str(line["reason"]) for line in ended if line["web_session_id"] == web_session_id]
    assert len(reasons) <= 1, reasons
    return reasons[0] if reasons else None
