"""The page explains each obstacle in words, with a step that helps."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from standins.nova.server import NovaSettings, NovaStandin
from tests.support.browser import INSECURE_HOST, Chromium
from tests.support.page import VisitorPage
from tests.support.score import Score
from tests.support.waiting import until
from tests.support.web_process import WebProcess, web_process
from tests.support.whole_product import Product, heard_by_model

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def small_web(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WebProcess]:
    """Run a web service with one slot and three starts a minute."""
    folder = tmp_path_factory.mktemp("small")
    limits = {"MAX_SESSIONS": "1", "RATE_LIMIT_STARTS_PER_MINUTE_PER_ADDRESS": "3"}
    async with (
        NovaStandin(NovaSettings(certificates=folder), Score().backend()) as nova,
        web_process(nova, folder / "web.jsonl", limits) as web,
    ):
        yield web


async def test_a_blocked_microphone_is_explained_and_typing_goes_on(visitor: VisitorPage) -> None:
    """The page says how to allow the microphone, and offers typing."""
    await visitor.visit.permit(microphone=False)
    await visitor.press("Talk")
    await visitor.press("Continue")
    await expect(visitor.problem).to_contain_text("The microphone is blocked")
    await expect(visitor.problem).to_contain_text("Click the icon left of the address")
    await visitor.take_pictures("denied")
    await visitor.press("Type instead")
    await visitor.is_connected()
    await visitor.type("what is the weather in Oslo")
    await visitor.agent_has_said(re.compile("in Oslo"))


async def test_an_address_without_https_is_explained_and_typing_goes_on(chromium: Chromium, product: Product) -> None:
    """The page explains that browsers allow the microphone only on `https`, and typing works."""
    port = product.state["base_url"].rpartition(":")[2]
    async with chromium.visit(f"http://{INSECURE_HOST}:{port}") as visit:
        visitor = VisitorPage(visit)
        assert await visit.page.evaluate("() => isSecureContext") is False
        await visitor.press("Talk")
        await expect(visitor.problem).to_contain_text("Browsers allow microphone access only on https")
        await visitor.take_pictures("insecure")
        await visitor.press("Type instead")
        await visitor.is_connected()
        await visitor.type("what is the weather in Oslo")
        await visitor.agent_has_said(re.compile("in Oslo"))


async def test_fault_38_a_network_without_datagrams_is_explained_within_ten_seconds(
    visitor: VisitorPage, product: Product
) -> None:
    """The page says what to try, and the service drops the visitor without opening a model stream."""
    heard = len(heard_by_model(product))
    await visitor.visit.lose_datagrams()
    await visitor.press("Talk")
    await visitor.press("Type instead")
    await expect(visitor.problem).to_contain_text("this network probably blocks it", timeout=10_000 + 2_000)
    await visitor.take_pictures("no-route")
    await until(lambda: _reasons(product)[-1:] == ["never_connected"], 10)
    assert len(heard_by_model(product)) == heard


def _reasons(product: Product) -> list[str]:
    return [str(line["reason"]) for line in product.log("webrtc-agent") if line["event"] == "session_ended"]


async def test_a_visitor_of_a_full_service_waits_and_then_talks(chromium: Chromium, small_web: WebProcess) -> None:
    """The page shows the place in the queue, and starts the conversation when a slot is free.

    Too many starts cause another message, with a countdown.
    """
    async with chromium.visit(small_web.url) as first, chromium.visit(small_web.url) as second:
        talking, waiting = VisitorPage(first), VisitorPage(second)
        await expect(second.page.get_by_label("About this conversation")).to_contain_text("You are talking with an AI.")
        await talking.type_instead()
        await until(lambda: _is_full(small_web))
        await waiting.press("Talk")
        await second.permit(microphone=True)
        await waiting.press("Continue")
        await expect(second.page.get_by_role("heading", name="You are next")).to_be_visible()
        await expect(second.page.locator(".queue")).to_contain_text("until then your microphone is off")
        await waiting.take_pictures("waiting")
        await talking.press("End the conversation")
        await waiting.is_connected()
        assert not await second.page.locator(".queue").count()
    await until(lambda: _asks_too_often(small_web))
    async with chromium.visit(small_web.url) as visit:
        visitor = VisitorPage(visit)
        await visitor.press("Talk")
        await visitor.press("Type instead")
        await expect(visitor.problem).to_contain_text("Too many conversations")
        seconds = await _countdown(visitor)
        await visitor.take_pictures("limited")
        assert 0 < seconds <= 60
        await expect(visitor.problem).not_to_contain_text(f"in {seconds} s")


async def _asks_too_often(web: WebProcess) -> bool:
    answer = await web.http.post("/start")
    return answer.status_code == 429 and "busy" not in answer.json()


async def _is_full(web: WebProcess) -> bool:
    return await web.sessions() == 1


async def _countdown(visitor: VisitorPage) -> int:
    """Read the seconds from the disabled button."""
    words = await visitor.problem.get_by_role("button").inner_text()
    found = re.search(r"in (\d+) s", words)
    assert found, words
    return int(found[1])
