"""Silent use, and the controls of microphone and speaker, in a real browser."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.support import browser
from tests.support.browser import Chromium
from tests.support.page import VisitorPage
from tests.support.waiting import until
from tests.support.whole_product import Product

pytestmark = pytest.mark.asyncio(loop_scope="session")

SYSTEM = Path(browser.__file__).parent / "devices.js"
ENERGY = """async () => {
    const report = [...(await system.connection.getStats()).values()];
    return report.find((one) => one.type === "inbound-rtp" && one.kind === "audio")?.totalAudioEnergy ?? 0;
}"""
"""The agent's audio as received, whether or not the page plays it."""
WATCH_STATUS = """() => {
    globalThis.statuses = [];
    const words = document.querySelector("[role=status]");
    const note = () => statuses.at(-1) !== words.textContent && statuses.push(words.textContent);
    new MutationObserver(note).observe(words, { childList: true, characterData: true, subtree: true });
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def quiet(chromium: Chromium, product: Product) -> AsyncIterator[VisitorPage]:
    """Open the page, with devices that a test can count and unplug."""
    async with chromium.visit("about:blank") as visit:
        await visit.page.add_init_script(path=SYSTEM)
        await visit.page.goto(product.state["base_url"])
        yield VisitorPage(visit)


async def test_a_typed_conversation_makes_no_sound_until_it_is_wanted(chromium: Chromium, quiet: VisitorPage) -> None:
    """A typed visit uses no microphone and no audio until the visitor enables them.

    The next visit starts in text mode again.
    """
    page = quiet.visit.page
    await chromium.microphone.will_say(1.5, "what is the weather in Paris")
    await quiet.take_pictures("start")
    await quiet.press("Type")
    await quiet.is_connected()
    await quiet.type("what is the weather in Oslo")
    await quiet.agent_has_said(re.compile("in Oslo"))
    await quiet.take_pictures("silent")
    assert await page.evaluate(ENERGY) == 0
    assert not (await quiet.visit.recording())[:, 1].any()
    await expect(quiet.button("Sound off")).to_have_attribute("aria-pressed", "true")

    await quiet.press("End the conversation")
    await expect(quiet.button("Type again")).to_be_focused()
    await quiet.press("Type again")
    await quiet.is_connected()
    assert await page.evaluate("() => system.microphones.length") == 0

    await quiet.press("Sound off")
    await quiet.type("what is the weather in Rome")
    await quiet.agent_has_said(re.compile("in Rome"))
    assert await page.evaluate(ENERGY) > 0
    assert (await quiet.visit.recording())[:, 1].any()

    await page.evaluate(WATCH_STATUS)
    await quiet.visit.permit(microphone=True)
    await quiet.press("Use the microphone")
    await quiet.agent_has_said(re.compile("in Paris"))
    statuses = await page.evaluate("() => statuses")
    assert "Hearing you" in statuses[: statuses.index("Thinking")], statuses
    await expect(quiet.button("Mute the microphone")).to_have_attribute("aria-pressed", "false")
    assert quiet.visit.complaints == []


async def test_single_keys_work_outside_of_text(chromium: Chromium, quiet: VisitorPage) -> None:
    """Single keys mute, switch the audio and the text, push to talk and show help, and can be disabled."""
    page = quiet.visit.page
    await chromium.microphone.will_be_silent()
    await quiet.talk()
    mute, sound = quiet.button("Mute the microphone"), quiet.button("Sound off")
    await page.keyboard.press("m")
    await expect(mute).to_have_attribute("aria-pressed", "true")
    await expect(mute).to_have_text("Muted")
    await page.keyboard.press("t")
    await page.keyboard.type("mst?")
    await expect(page.get_by_label("Type to the agent")).to_have_value("mst?")
    await expect(sound).to_have_attribute("aria-pressed", "false")
    await page.keyboard.press("Escape")
    await page.keyboard.press("s")
    await expect(sound).to_have_attribute("aria-pressed", "true")
    await _shows_its_name(page, quiet)

    await quiet.press("Devices and volume")
    await page.get_by_role("checkbox", name="Push to talk").check()
    await quiet.take_pictures("settings-live")
    await quiet.press("Close")
    hold = quiet.button("Hold to talk")
    await expect(hold).to_have_attribute("aria-pressed", "false")
    await page.keyboard.down(" ")
    await expect(hold).to_have_attribute("aria-pressed", "true")
    assert await page.evaluate("() => system.microphone().enabled")
    await page.keyboard.up(" ")
    await expect(hold).to_have_attribute("aria-pressed", "false")
    assert not await page.evaluate("() => system.microphone().enabled")
    await hold.hover()
    await page.mouse.down()
    await expect(hold).to_have_attribute("aria-pressed", "true")
    await page.mouse.up()
    await expect(hold).to_have_attribute("aria-pressed", "false")

    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    await quiet.take_pictures("shortcuts")
    await page.get_by_role("checkbox", name="Use keyboard shortcuts").uncheck()
    await quiet.press("Close")
    await page.keyboard.press("s")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(sound).to_have_attribute("aria-pressed", "true")


async def test_choices_are_remembered_and_a_device_that_is_gone_is_named(
    chromium: Chromium, quiet: VisitorPage
) -> None:
    """The page remembers volume and push to talk, and replaces a missing chosen device with a message."""
    page = quiet.visit.page
    await chromium.microphone.will_be_silent()
    await quiet.visit.permit(microphone=True)
    await page.evaluate("""() => {
        const chosen = { volume: 0.5, pushToTalk: true, microphone: "gone", speaker: "gone too" };
        localStorage.setItem("choices", JSON.stringify(chosen));
    }""")
    await page.add_init_script("system.gone.add('gone')")
    await page.reload()
    await quiet.press("Check microphone and speaker")
    await expect(page.get_by_role("slider")).to_have_value("0.5")
    await expect(page.get_by_role("checkbox", name="Push to talk")).to_be_checked()
    await quiet.press("Test the microphone")
    await expect(page.get_by_text("Say something and watch the bar.")).to_be_visible()
    await quiet.press("Play a test sound")
    await expect(quiet.button("Play a test sound")).to_be_visible()
    await quiet.take_pictures("settings-before")
    await quiet.press("Close")
    await until(lambda: page.evaluate("() => system.microphones.every((one) => one.readyState === 'ended')"), 5)
    await quiet.press("Talk")
    await quiet.is_connected()
    await expect(quiet.button("Hold to talk")).to_have_attribute("aria-pressed", "false")
    await expect(quiet.problem).to_contain_text("Fake Default Audio")
    assert quiet.visit.complaints == []


async def _shows_its_name(page: Page, quiet: VisitorPage) -> None:
    tip = "name => getComputedStyle(document.querySelector(`[aria-label='${name}']`), '::after').visibility"
    assert await page.evaluate(tip, "Sound off") == "hidden"
    await quiet.button("Sound off").hover()
    await until(lambda: _is_visible(page, tip), 5)
    await page.keyboard.press("Escape")
    assert await page.evaluate(tip, "Sound off") == "hidden"


async def _is_visible(page: Page, tip: str) -> bool:
    return bool(await page.evaluate(tip, "Sound off") == "visible")
