"""A visitor rates a conversation after it, by keyboard alone, and the operator receives it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from standins.nova.server import NovaSettings, NovaStandin
from tests.support.axe import violations
from tests.support.browser import Chromium
from tests.support.page import VisitorPage
from tests.support.score import Score
from tests.support.waiting import until
from tests.support.web_process import WebProcess, web_process

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = "It forgot the archipelago."


@pytest_asyncio.fixture(loop_scope="session")
async def web(tmp_path: Path) -> AsyncIterator[WebProcess]:
    """Run a service that keeps comments."""
    settings = {"CALL_STORE": f"file:{tmp_path / 'calls'}"}
    async with (
        NovaStandin(NovaSettings(certificates=tmp_path), Score().backend()) as nova,
        web_process(nova, tmp_path / "web.jsonl", settings) as web,
    ):
        yield web


async def test_a_conversation_is_rated_by_keyboard(chromium: Chromium, web: WebProcess, tmp_path: Path) -> None:
    """One press sends the rating; a comment may follow; the focus is never lost, and axe finds nothing."""
    async with chromium.visit(web.url) as visit:
        visitor = VisitorPage(visit)
        page = visit.page
        await visitor.type_instead()
        await visitor.does("Ready")
        assert await page.get_by_label("Rating", exact=True).count() == 0
        await visitor.press("End the conversation")
        await expect(page.get_by_text("How was this conversation?")).to_be_visible()
        assert await violations(page) == []
        await visitor.button("Not good").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Thank you.")).to_be_visible()
        await expect(visitor.button("Not good")).to_be_focused()
        await expect(visitor.button("Not good")).to_have_attribute("aria-pressed", "true")
        await visitor.button("Good").first.click(force=True)  # a second opinion is not sent
        await visitor.button("Not good").focus()
        await page.keyboard.press("Tab")
        await page.keyboard.type(f"{WORDS} mst?")  # no shortcut of the page
        await visitor.take_pictures("rated")
        assert await violations(page) == []
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(visitor.button("Send comment")).to_have_count(0)
        await expect(page.locator("#rating-question")).to_be_focused()
        assert await violations(page) == []
        assert [url for url in visit.requests if url.endswith("/rating")] == [visit.requests[-1]] * 2
        assert visit.hosts() == {f"127.0.0.1:{web.port}"}
        assert await visit.refused_by_policy() == []
        assert visit.complaints == []
    await until(lambda: bool(web.lines("session_ended")), 10)
    (record,) = web.lines("session_ended")
    assert [(line["session_id"], line["rating"]) for line in web.lines("session_rated")] == [
        (record["session_id"], "down")
    ]
    assert "archipelago" not in web.log.read_text()
    assert WORDS in await _comments(tmp_path)


async def _comments(folder: Path) -> str:
    command = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "webrtc_agent.comments",
        env=os.environ | {"CALL_STORE": f"file:{folder / 'calls'}"},
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        return (await command.communicate())[0].decode()
