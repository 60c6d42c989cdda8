"""What a system does to a call's audio and devices during it: the page reports it, and the call continues."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.support import browser
from tests.support.browser import Chromium
from tests.support.page import VisitorPage
from tests.support.waiting import until
from tests.support.whole_product import Product

pytestmark = pytest.mark.asyncio(loop_scope="session")

SYSTEM = Path(browser.__file__).parent / "devices.js"


@pytest_asyncio.fixture(loop_scope="session")
async def talking(chromium: Chromium, product: Product) -> AsyncIterator[VisitorPage]:
    """Be in a call, with several microphones and speakers."""
    await chromium.microphone.will_be_silent()
    async with chromium.visit("about:blank") as visit:
        await visit.page.add_init_script(path=SYSTEM)
        await visit.page.goto(product.state["base_url"])
        page = VisitorPage(visit)
        await page.talk()
        await page.greeted()
        yield page
        await page.press("End the conversation")
        await page.does("Ended")


async def test_sound_that_the_system_takes_away_comes_back(talking: VisitorPage) -> None:
    """After the system takes the audio away, as iOS does for a telephone call, a touch or a return restores it."""
    page = talking.visit.page
    for gesture in ("document.dispatchEvent(new Event('visibilitychange'))", "document.body.click()"):
        await page.evaluate("() => system.interrupt()")
        await talking.does("Cannot hear you")
        await expect(page.locator(".stage__hint")).to_contain_text("Tap the page")
        await page.evaluate(f"() => {{ system.release(); {gesture}; }}")
        await page.wait_for_function("() => system.context.state === 'running'")
        await talking.does("Listening")
        await _sends_more(talking)
    await page.evaluate("() => system.silence(true)")
    await talking.does("Cannot hear you")
    await page.evaluate("() => system.silence(false)")
    await talking.does("Listening")

    await page.evaluate("() => system.silence(true)")
    await talking.does("Cannot hear you")
    await page.evaluate("() => document.body.click()")  # opens the microphone again
    await talking.does("Listening")
    assert await page.evaluate("() => system.microphones.length") == 2


async def _sends_more(visitor: VisitorPage) -> None:
    page = visitor.visit.page
    sent = await page.evaluate("() => system.packets()")
    await until(lambda: page.evaluate("async sent => await system.packets() > sent", sent), 10)


async def test_a_call_goes_on_with_the_next_device(talking: VisitorPage) -> None:
    """The call continues when the chosen device is unplugged and returns, and when the system changes it.

    This holds for microphones and speakers.
    """
    page = talking.visit.page
    names = {"microphone": "Fake Audio Input 1", "speaker": "Fake Audio Output 1"}
    await talking.press("Devices and volume")
    ids: dict[str, str] = {}
    for kind, label in names.items():
        choice = page.get_by_role("combobox", name=kind.capitalize())
        [ids[kind]] = await choice.select_option(label=label)
    await talking.press("Close")
    await _speaks_by_now_into(talking, ids["microphone"])

    await page.evaluate("id => system.unplug(id)", ids["microphone"])
    await _says_that_it_changed(talking, "microphone", "Fake Default Audio Input")
    await _sends_more(talking)
    await page.evaluate("id => system.plugIn(id)", ids["microphone"])
    await _says_that_it_changed(talking, "microphone", names["microphone"])
    assert await _speaks_into(talking, ids["microphone"])

    sink = "() => document.querySelector('audio').sinkId"
    assert await page.evaluate(sink) == ids["speaker"]
    await page.evaluate("id => system.unplug(id)", ids["speaker"])
    await _says_that_it_changed(talking, "speaker", "Fake Default Audio Output")
    assert await page.evaluate(sink) == ""
    await page.evaluate("id => system.plugIn(id)", ids["speaker"])
    await _says_that_it_changed(talking, "speaker", names["speaker"])
    await page.wait_for_function("id => document.querySelector('audio').sinkId === id", arg=ids["speaker"])

    await talking.press("Devices and volume")
    await page.get_by_role("combobox", name="Microphone").select_option(value="default")
    await talking.press("Close")
    await _speaks_by_now_into(talking, "default")
    opened = await page.evaluate("() => system.microphones.length")
    await page.evaluate("() => system.choose('Headset')")
    await page.wait_for_function("count => system.microphones.length > count", arg=opened)
    await _says_that_it_changed(talking, "microphone", "Headset")
    await talking.does("Listening")


async def _speaks_by_now_into(visitor: VisitorPage, device: str) -> None:
    await until(lambda: _speaks_into(visitor, device), 10)
    await asyncio.sleep(2.0)  # the page lists the devices; no user unplugs one within milliseconds of choosing it


async def _speaks_into(visitor: VisitorPage, device: str) -> bool:
    current = await visitor.visit.page.evaluate("() => system.microphone().getSettings().deviceId")
    return str(current) == device


async def _says_that_it_changed(visitor: VisitorPage, kind: str, label: str) -> None:
    await expect(visitor.problem).to_contain_text(f"another {kind}", ignore_case=True)
    await expect(visitor.problem).to_contain_text(f"through {label}.")
