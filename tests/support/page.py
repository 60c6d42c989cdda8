"""The visitor's page: what a visitor sees and does on it."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Locator, expect

from tests.support.browser import Visit

_LONG_MS = 60_000
"""For a spoken turn on a busy machine: words, tool, answer."""
expect.set_options(timeout=30_000)  # for every expectation; a busy machine needs more than five seconds
_SIZES = {"": (1100, 760), "-phone": (390, 844)}


@dataclass(frozen=True)
class VisitorPage:
    """One visitor at the page."""

    visit: Visit

    @property
    def status(self) -> Locator:
        """Return the status text: what the agent is doing."""
        return self.visit.page.get_by_role("status")

    @property
    def problem(self) -> Locator:
        """Return the error text."""
        return self.visit.page.get_by_role("alert")

    @property
    def card(self) -> Locator:
        """Return the weather cards."""
        return self.visit.page.get_by_role("article")

    def button(self, name: str) -> Locator:
        """Find a button by its name."""
        return self.visit.page.get_by_role("button", name=name)

    async def press(self, name: str) -> None:
        """Press a button."""
        await self.button(name).click()

    async def talk(self) -> None:
        """Start a conversation by voice, and wait until it is connected."""
        await self.press("Talk")
        await self.visit.permit(microphone=True)
        await self.press("Continue")
        await self.is_connected()

    async def type_instead(self) -> None:
        """Start a conversation without a microphone, and wait until it is connected."""
        await self.press("Talk")
        await self.press("Type instead")
        await self.is_connected()

    async def is_connected(self) -> None:
        """Wait until the page is connected."""
        await expect(self.visit.page.get_by_label("Type to the agent")).to_be_visible()
        await self.does("Listening", "Ready", "Speaking")

    async def does(self, *activities: str) -> None:
        """Wait until the agent's status is one of these."""
        await expect(self.status).to_have_text(re.compile(f"^({'|'.join(activities)})$"), timeout=_LONG_MS)

    async def greeted(self) -> None:
        """Wait until the agent has greeted, and listens."""
        await self.agent_has_said("Ask me about the weather in a city.")

    async def agent_has_said(self, words: str | re.Pattern[str]) -> None:
        """Wait until the agent has finished speaking, and listens."""
        sentence = self.visit.page.locator('.sentence[data-heard="said"]', has_text=words)
        await expect(sentence).not_to_have_count(0, timeout=_LONG_MS)
        await self.does("Listening", "Ready")

    async def type(self, words: str) -> None:
        """Type a message and send it."""
        field = self.visit.page.get_by_label("Type to the agent")
        await field.fill(words)
        await field.press("Enter")

    async def asked(self) -> list[str]:
        """Return the visitor's side of the transcript, as it was heard or typed."""
        turns = await self.visit.page.locator(".turn--visitor .bubble").all_text_contents()
        return [turn.partition(": ")[2] for turn in turns]

    async def answered(self) -> list[str]:
        """Return the agent's side of the transcript, one sentence each."""
        return await self.visit.page.locator(".turn--agent .sentence").all_text_contents()

    async def take_pictures(self, state: str) -> None:
        """Take pictures of this state, light and dark, wide and narrow, into the folder that SCREENSHOTS names."""
        if folder := os.environ.get("SCREENSHOTS"):
            page = self.visit.page
            for scheme in ("light", "dark"):
                await page.emulate_media(color_scheme=scheme)
                for suffix, (width, height) in _SIZES.items():
                    await page.set_viewport_size({"width": width, "height": height})
                    await page.screenshot(path=Path(folder) / f"{state}-{scheme}{suffix}.png", animations="disabled")
            await page.emulate_media(color_scheme=None)
            width, height = _SIZES[""]
            await page.set_viewport_size({"width": width, "height": height})
