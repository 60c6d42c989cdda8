"""Unmodified, published pairs of Pipecat's web client and transport talk with the running web service.

They test our responses: only a client of 2025 itself shows what it reads, throws at or never receives. The model's
stand-in plays tones here, so that a visit costs little; other tests use its speech.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, async_playwright

from standins.nova.backend import Step
from standins.nova.server import NovaSettings, NovaStandin
from tests.support.browser import find_chromium
from tests.support.score import Score, Turn, note, use
from tests.support.third_party import missing
from tests.support.waiting import until
from tests.support.web_clients import App, bundle, every_app, faults, talk
from tests.support.web_process import WebProcess, web_process

APPS: Final = (
    App("1.2.0+1.2.0", "/connect"),
    App("1.4.1+1.7.2", "/start"),
    App("1.5.0+1.8.1", "/connect"),
    App("1.6.1+1.9.0", "/start"),
    App("1.10.0+1.10.3", "/api/offer"),
    App("1.13.1+1.10.8", "/start"),
)
"""The oldest and the newest pair of each protocol generation (1.0, 1.2 to 1.4, 2), and the first with ``sessionId``.

Each route appears at least once. `make clients` runs all pairs by all routes that they support.
"""
AT_ONCE: Final = 2
FLAGS: Final = (
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-gpu",
)
LIMITS: Final = {"RATE_LIMIT_STARTS_PER_MINUTE": "1000", "RATE_LIMIT_STARTS_PER_MINUTE_PER_ADDRESS": "1000"}


def weather(turn: Turn) -> Sequence[Step]:
    """Greet with a tone; look up the weather of an unknown place when asked."""
    return [use("get_current_weather", location="", format="celsius")] if turn.number else [note(400, 400)]


async def test_published_clients_talk(tmp_path: Path) -> None:
    """Every pair gets bot-ready, a greeting, a reply, each sentence once, a rejection in words and a clean end."""
    program = find_chromium()
    if program is None:
        missing("these tests need Chromium")
    apps = every_app() if os.environ.get("EVERY_CLIENT") == "yes" else list(APPS)
    folder = await bundle({app.pair for app in apps}, tmp_path / "apps")
    score = Score()
    score.plan = weather
    async with (
        NovaStandin(NovaSettings(certificates=tmp_path), score.backend()) as nova,
        web_process(nova, tmp_path / "web.jsonl", LIMITS) as web,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            results = await _wave(apps, browser, web, folder)
        finally:
            await browser.close()
        table = [f"{app.pair:16} {app.route:11} {result}" for app, result in zip(apps, results, strict=True)]
        print("\n".join(["", *table]))  # noqa: T201 - the table is the result of `make clients`
        assert set(results) == {"talks"}, table
        await until(lambda: len(web.lines("session_ended")) == len(apps), 20.0)
        assert {line["reason"] for line in web.lines("session_ended")} == {"caller_hung_up"}
        assert await web.sessions() == 0
        instructions = [
            record.system for record in nova.ledger.sessions.values() if '{"basket":"tulips"}' in record.system
        ]
        assert len(instructions) == sum(app.route != "/api/offer" for app in apps)
        assert "tulips" not in web.log.read_text()


async def _wave(apps: Sequence[App], browser: Browser, web: WebProcess, folder: Path) -> list[str]:
    """Run the pairs in parallel, a few at a time; return a line for each."""
    places = asyncio.Semaphore(AT_ONCE)

    async def result(app: App) -> str:
        async with places:
            try:
                missed = faults(await talk(app, browser, web.url, folder))
            except Exception as error:  # noqa: BLE001 - the others continue, and the table has the error
                return f"{type(error).__name__}: {error}".splitlines()[0]
        return ", ".join(missed) or "talks"

    return await asyncio.gather(*(result(app) for app in apps))
