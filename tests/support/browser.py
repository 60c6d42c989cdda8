"""Drive a real browser, Debian's Chromium, whose microphone plays a file, and record what a page shows and plays."""

import asyncio
import base64
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
from playwright.async_api import Browser, CDPSession, Page, Route, ViewportSize, async_playwright

from tests.support.microphone import Microphone

RATE = 16_000
"""Samples per second of `Visit.recording`."""
INSECURE_HOST = "agent"
"""A name that resolves to this machine, and to which the browser denies the microphone."""

_HERE = Path(__file__).parent
_FLAGS = (
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",  # on a machine without a network there is no other route
    f"--host-resolver-rules=MAP {INSECURE_HOST} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--disable-gpu",
    "--disable-quic",
)
_PATIENCE_MS = 60_000
"""Deadline of every wait in a page; a busy machine of two cores needs a few seconds."""

_WINDOW: ViewportSize = {"width": 1100, "height": 760}

type Sound = npt.NDArray[np.int16]


def find_chromium() -> str | None:
    """Find the browser that the tests drive."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass
class Visit:
    """A page and what it did."""

    page: Page
    devtools: CDPSession
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """Errors in the browser's console, exceptions included."""

    async def recording(self) -> Sound:
        """Return the audio so far, shape (samples, 2): the visitor's microphone and the agent's voice."""
        kept = await self.page.evaluate("() => tap.recording()")
        return np.frombuffer(base64.b64decode(kept), "<i2").reshape(-1, 2)

    async def refused_by_policy(self) -> list[str]:
        """Return what the content security policy blocked."""
        return [str(one) for one in await self.page.evaluate("() => tap.violations")]

    async def permit(self, *, microphone: bool) -> None:
        """Answer the browser's permission prompt for the microphone, now and later; no answer denies access."""
        await self.page.context.grant_permissions(["microphone"] if microphone else [])

    @asynccontextmanager
    async def held(self, url: str) -> AsyncIterator[None]:
        """Delay requests to this address, as on a slow network, until the end of the block."""
        passable = asyncio.Event()

        async def hold(route: Route) -> None:
            await passable.wait()
            await route.continue_()

        await self.page.route(url, hold)
        yield
        passable.set()

    async def lose_datagrams(self) -> None:
        """Hide each side's addresses from the other, as where a network drops UDP."""

        async def hide(route: Route) -> None:
            if route.request.method == "PATCH":  # addresses that are sent later
                await route.fulfill(json={"status": "success"})
                return
            offer = route.request.post_data_json or {}
            response = await route.fetch(post_data=json.dumps(offer | {"sdp": _without_addresses(offer["sdp"])}))
            answer = await response.json()
            await route.fulfill(response=response, json=answer | {"sdp": _without_addresses(answer["sdp"])})

        await self.page.route("**/api/offer", hide)

    def hosts(self) -> set[str]:
        """Return every host that the page contacted."""
        return {urlsplit(url).netloc for url in self.requests if not url.startswith(("data:", "blob:"))}


def _without_addresses(sdp: str) -> str:
    return "".join(line for line in sdp.splitlines(keepends=True) if not line.startswith("a=candidate:"))


@dataclass(frozen=True)
class Chromium:
    """The running browser."""

    browser: Browser
    microphone: Microphone
    devtools: CDPSession

    @asynccontextmanager
    async def visit(self, url: str, *, beside: Visit | None = None, locale: str = "sv-SE") -> AsyncIterator[Visit]:
        """Open a page.

        Args:
            url: The page's address.
            beside: Another page of the same visitor, who gets a second tab; by default it is a new visitor.
            locale: The browser's locale, which decides the units of the weather.
        """
        context = beside.page.context if beside else await self.browser.new_context(viewport=_WINDOW, locale=locale)
        try:
            page = await context.new_page()
            page.set_default_timeout(_PATIENCE_MS)
            visit = await _watched(page)
            await page.goto(url)
            yield visit
            await page.close()
        finally:
            if beside is None:
                await context.close()

    async def network_process(self) -> int:
        """Return the process that holds the browser's sockets, including those of calls."""
        processes = (await self.devtools.send("SystemInfo.getProcessInfo"))["processInfo"]
        found = [int(one["id"]) for one in processes if "network" in json.dumps(one).lower()]
        assert len(found) == 1, processes
        return found[0]

    @asynccontextmanager
    async def without_network(self) -> AsyncIterator[None]:
        """Block the browser's network without notifying either side, as when a cable is pulled."""
        with stopped(await self.network_process()):
            yield


@contextmanager
def stopped(process: int) -> Iterator[None]:
    """Suspend a process during the block."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@asynccontextmanager
async def running_chromium(program: str, microphone: Microphone) -> AsyncIterator[Chromium]:
    """Start the browser, and end it."""
    flags = [*_FLAGS, f"--use-file-for-fake-audio-capture={microphone.file}%noloop"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=flags)
        try:
            yield Chromium(browser, microphone, await browser.new_browser_cdp_session())
        finally:
            await browser.close()


async def _watched(page: Page) -> Visit:
    visit = Visit(page, await page.context.new_cdp_session(page))
    page.on("request", lambda request: visit.requests.append(request.url))
    page.on("console", lambda line: visit.complaints.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    await page.add_init_script(path=_HERE / "tap.js")
    return visit
