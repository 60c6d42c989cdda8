"""A conversation on the page survives what a visitor's network, tab and our own processes do to it."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.support.browser import Chromium
from tests.support.page import VisitorPage
from tests.support.waiting import until
from tests.support.whole_product import Product

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOTICED_SECONDS = 3.0
_STATUS = """
globalThis.statuses = [];
setInterval(() => {
  const words = document.querySelector('[role="status"]')?.textContent ?? "";
  const hint = document.querySelector(".stage__hint")?.textContent ?? "";
  const last = statuses.at(-1);
  if (!last || last.words !== words || last.hint !== hint) statuses.push({ words, hint, at: Date.now() / 1000 });
}, 20);
"""


async def _watched(visitor: VisitorPage) -> None:
    await visitor.visit.page.evaluate(_STATUS)


async def _statuses(visitor: VisitorPage) -> list[dict[str, Any]]:
    """What the page said it did, with the time of each change."""
    return list(await visitor.visit.page.evaluate("statuses"))


def _lines(product: Product, event: str) -> list[dict[str, Any]]:
    return [line for line in product.log("webrtc-agent") if line["event"] == event]


@pytest_asyncio.fixture(loop_scope="session")
async def talking(visitor: VisitorPage) -> AsyncIterator[VisitorPage]:
    """A visitor who has asked something and has heard the answer."""
    await visitor.type_instead()
    await visitor.greeted()
    await visitor.type("what is the weather in Oslo")
    await visitor.agent_has_said(re.compile("in Oslo"))
    yield visitor


async def _goes_on(visitor: VisitorPage, product: Product, session: str) -> None:
    """A question that makes sense only with what was said before is answered, in the same conversation."""
    await visitor.type("and tomorrow")
    await visitor.agent_has_said(re.compile("omorrow"))
    assert await visitor.asked() == ["what is the weather in Oslo", "and tomorrow"]
    said = " ".join(await visitor.answered())
    assert said.count("Ask me about the weather in a city.") == 1
    await visitor.press("End the conversation")
    await until(lambda: bool(_ends(product, session)), 10)
    assert [line["reason"] for line in _ends(product, session)] == ["caller_left"]


def _ends(product: Product, session: str) -> list[dict[str, Any]]:
    return [line for line in _lines(product, "session_ended") if line["session_id"] == session]


async def test_a_reload_goes_on_in_the_same_conversation(product: Product, talking: VisitorPage) -> None:
    """With all that was said and shown; another tab begins its own."""
    session = _lines(product, "session_started")[-1]["session_id"]
    before = [await talking.asked(), await talking.answered()]
    await talking.visit.page.reload()
    await talking.is_connected()
    assert [await talking.asked(), await talking.answered()] == before
    assert _lines(product, "session_resumed")[-1]["session_id"] == session
    await expect(talking.card.first).to_be_visible()
    await _goes_on(talking, product, session)
    assert [line for line in talking.visit.complaints if "health" not in line] == []


@pytest.mark.parametrize("seconds", [5, 16])
async def test_a_network_that_was_away_changes_nothing(
    chromium: Chromium, product: Product, talking: VisitorPage, seconds: int
) -> None:
    """The page says so within three seconds, never that it listens meanwhile, and goes on."""
    session = _lines(product, "session_started")[-1]["session_id"]
    await _watched(talking)
    async with chromium.without_network():
        gone = time.time()
        await asyncio.sleep(seconds)
        back = time.time()
    await talking.does("Ready")
    statuses = await _statuses(talking)
    noticed = next(one["at"] for one in statuses if one["words"] == "Reconnecting")
    assert noticed - gone < NOTICED_SECONDS
    during = [one["words"] for one in statuses if noticed <= one["at"] < back]
    assert set(during) == {"Reconnecting"}
    await _goes_on(talking, product, session)
