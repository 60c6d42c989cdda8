"""Two builds of the page behind the load balancer in a real browser, and a page whose files are gone."""

from collections import Counter
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from tests.support.browser import Chromium
from tests.support.edge_setting import WEB
from tests.support.page import VisitorPage
from tests.support.two_builds import two_versions
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

VISITS = 20
RELOADS = 3
"""Most reloads that the page starts on its own."""


async def _version(page: Page) -> str:
    return "new" if "speaks with you" in (await page.content()) else "old"


def _loads(page: Page) -> Counter[str]:
    """Count how often the page is loaded from now on."""
    loads: Counter[str] = Counter()
    page.on("request", lambda request: loads.update(["page"] if request.is_navigation_request() else []))
    return loads


async def _gone(route: Route) -> None:
    await route.fulfill(status=404, body="{}")


async def test_two_builds_at_once_show_the_page_in_every_visit_and_open_tabs_go_on(
    chromium: Chromium, tmp_path: Path
) -> None:
    """All of twenty visits load completely while both builds run; an open tab of the old build still works."""
    async with two_versions(tmp_path) as versions:
        await until(lambda: all(one.health.healthy for one in versions.edge.targets(WEB)), 20)
        shown: Counter[str] = Counter()
        for _ in range(VISITS):
            async with chromium.visit(versions.edge.url) as visit:
                await expect(VisitorPage(visit).button("Talk")).to_be_visible()
                shown[await _version(visit.page)] += 1
                assert await visit.refused_by_policy() == []
        assert (shown.total(), min(shown.values()) > 0, len(shown)) == (VISITS, True, 2)

        async with chromium.visit(versions.edge.url) as visit:
            mine = await _version(visit.page)
            await until(lambda: any("/assets/daily-" in url for url in visit.requests), 20)
            versions.leaves(mine)
            loads = _loads(visit.page)
            await VisitorPage(visit).press("Talk")
            await VisitorPage(visit).press("Type instead")
            await expect(VisitorPage(visit).problem).to_be_visible()  # this service starts no session; the file loaded
            await expect(VisitorPage(visit).problem).not_to_contain_text("out of date")
            assert (loads["page"], await _version(visit.page)) == (0, mine)
            await visit.page.reload()
            await expect(VisitorPage(visit).button("Talk")).to_be_visible()
            assert await _version(visit.page) != mine


async def test_a_page_whose_parts_are_gone_reloads_itself_or_says_so(chromium: Chromium, tmp_path: Path) -> None:
    """A page whose files are gone reloads a few times, then shows a message, and is never empty."""
    async with two_versions(tmp_path) as versions, chromium.visit("about:blank") as visit:
        await until(lambda: all(one.health.healthy for one in versions.edge.targets(WEB)), 20)
        await visit.page.route("**/assets/index-*.js", _gone, times=1)
        loads = _loads(visit.page)
        await visit.page.goto(versions.edge.url)
        await expect(VisitorPage(visit).button("Talk")).to_be_visible()
        assert loads["page"] == 2

        await visit.page.route("**/assets/daily-*.js", _gone)
        await visit.page.evaluate("sessionStorage.clear()")
        loads = _loads(visit.page)
        await visit.page.goto(versions.edge.url)
        for number in range(RELOADS + 1):  # the page does not reload before it needs the file
            await expect(VisitorPage(visit).button("Talk")).to_be_visible()
            assert loads["page"] == 1 + number
            await VisitorPage(visit).press("Talk")
            await VisitorPage(visit).press("Type instead")
            if number < RELOADS:
                await until(lambda: loads["page"] == 2 + number, 20)  # noqa: B023 - awaited in this iteration
        await expect(VisitorPage(visit).problem).to_contain_text("This page is out of date")

        await visit.page.route("**/assets/index-*.js", _gone)
        await visit.page.evaluate("sessionStorage.clear()")
        loads = _loads(visit.page)
        await visit.page.goto(versions.edge.url)
        await expect(visit.page.get_by_role("alert")).to_contain_text("could not be loaded completely")
        assert loads["page"] == 1 + RELOADS
