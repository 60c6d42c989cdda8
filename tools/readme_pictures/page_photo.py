"""Take the README's picture of the page: a typed question, its reply and the weather card, light and dark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from playwright.async_api import expect

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, ViewportSize

VIEWPORT: Final[ViewportSize] = {"width": 960, "height": 900}
SCALE: Final = 1.5
"""Pixels of the picture for each pixel of the page."""
SCHEMES: Final = ("light", "dark")
QUESTION: Final = "What is the weather in Stockholm?"
_PATIENCE_MS: Final = 60_000
"""Longest wait for the page to show something; on an idle machine it takes a few seconds."""

_FIXED_TEXTS: Final = """() => {
    const shown = (selector) => [...document.querySelectorAll(selector)].map((one) => one.textContent.trim());
    const placeholders = [...document.querySelectorAll("input[placeholder]")].map((one) => one.placeholder);
    return [...shown(".brand, .notice__more, .stage__words, .stage__hint, .control__label, .keeping button"),
        ...placeholders];
}"""
"""The page's own texts, without the conversation and the weather."""


@dataclass(frozen=True)
class PagePhoto:
    """The page in each colour scheme, as PNG, and its own texts."""

    pictures: dict[str, bytes]
    texts: list[str]


def picture_size() -> tuple[int, int]:
    """Return width and height of a picture, in pixels."""
    return round(VIEWPORT["width"] * SCALE), round(VIEWPORT["height"] * SCALE)


async def photograph(browser: Browser, url: str) -> PagePhoto:
    """Type one question into the page, wait for the reply and take a picture in each scheme."""
    context = await browser.new_context(
        viewport=VIEWPORT, device_scale_factor=SCALE, locale="en-GB", reduced_motion="reduce", color_scheme="light"
    )
    try:
        page = await context.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        await page.goto(url)
        await _ask(page)
        pictures = {}
        for scheme in SCHEMES:
            # The same page in both schemes: a second visit could get another reply.
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            pictures[scheme] = await page.screenshot(animations="disabled", caret="hide")
        texts: list[str] = await page.evaluate(_FIXED_TEXTS)
        return PagePhoto(pictures, [text for text in texts if text])
    finally:
        await context.close()


async def _ask(page: Page) -> None:
    await page.get_by_role("button", name="Type", exact=True).click()
    field = page.get_by_label("Type to the agent")
    greeting = page.locator('.sentence[data-heard="said"]', has_text="weather")
    # The agent must finish its greeting first, or the question would interrupt it.
    await expect(greeting).not_to_have_count(0, timeout=_PATIENCE_MS)
    await field.fill(QUESTION)
    await field.press("Enter")
    await expect(page.get_by_role("article")).to_be_visible(timeout=_PATIENCE_MS)
    answer = page.locator('.turn--agent .sentence[data-heard="said"]', has_text="degree")
    await expect(answer).not_to_have_count(0, timeout=_PATIENCE_MS)
    await expect(page.get_by_role("status")).to_have_text("Ready", timeout=_PATIENCE_MS)
    # Without focus, so that the picture shows neither a caret nor a focus ring.
    await page.evaluate("() => document.activeElement?.blur()")
