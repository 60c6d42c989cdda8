"""Every published pair of Pipecat's web client and transport, unmodified, talks with the running product.

They are judges of what we answer: what a client of 2025 reads, throws at or never receives shows only in itself.
"""

import asyncio
import os
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.browser import Chromium
from tests.support.waiting import until
from tests.support.web_clients import QUESTION, REST, WEB, App, bundle, faults, models_prompts, streams_open, talk
from tests.support.whole_product import Product

pytestmark = pytest.mark.asyncio(loop_scope="session")

APPS: Final = (
    App("1.2.0+1.2.0", "/connect"),
    App("1.4.1+1.7.2", "/start"),
    App("1.5.0+1.8.1", "/connect"),
    App("1.6.1+1.9.0", "/start"),
    App("1.10.0+1.10.3", "/api/offer"),
    App("1.13.1+1.10.8", "/start"),
)
"""The oldest and the newest of each generation of the protocol (1.0, 1.2 to 1.4, 2), and the first that reads
``sessionId``; each route at least once. `make clients` runs all pairs by all routes that they know."""
FIRST_WITH_SESSIONS: Final = (1, 7, 2)
EVERY: Final = os.environ.get("EVERY_CLIENT") == "yes"
AT_ONCE: Final = 3
"""Visits side by side: each takes an eighth of a core here, and recognising its question more."""


def every_app() -> list[App]:
    """List all pairs with the routes that each can use."""
    pairs = sorted(folder.name for home in (WEB, REST) for folder in (home / "pairs").iterdir())
    return [App(pair, route) for pair in pairs for route in ("/start", "/connect", "/api/offer") if _knows(pair, route)]


def _knows(pair: str, route: str) -> bool:
    transport = pair.partition("+")[2]
    if transport.startswith("rn-"):  # React Native's, which began with sessions
        return True
    return route != "/start" or tuple(int(part) for part in transport.split(".")) >= FIRST_WITH_SESSIONS


async def test_published_clients_talk(
    chromium: Chromium, product: Product, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Bot-ready, greeting, spoken question, answer, each sentence once, a refusal in words, a clean end."""
    apps = every_app() if EVERY else list(APPS)
    folder = await bundle({app.pair for app in apps}, tmp_path_factory.mktemp("apps"))
    await chromium.microphone.will_say(7.0, QUESTION)
    await until(lambda: streams_open(product) == 0, 20.0)  # those who came before have left
    before = len(_ends(product))
    places = asyncio.Semaphore(AT_ONCE)
    results = await asyncio.gather(*(_result(app, places, chromium, product, folder) for app in apps))
    table = [f"{app.pair:16} {app.route:11} {result}" for app, result in zip(apps, results, strict=True)]
    print("\n".join(["", *table]))  # noqa: T201 - `make clients` is run for it
    assert set(results) == {"talks"}, table
    await until(lambda: len(_ends(product)) == before + len(apps), 20.0)
    assert set(_ends(product)[before:]) == {"caller_left"}
    said = sum('{"basket":"tulips"}' in prompt for prompt in models_prompts(product))
    assert said == sum(app.route != "/api/offer" for app in apps)
    assert "tulips" not in str(product.log("webrtc-agent"))


async def _result(app: App, places: asyncio.Semaphore, chromium: Chromium, product: Product, folder: Path) -> str:
    async with places:
        try:
            missed = faults(await talk(app, chromium, product, folder))
        except Exception as error:  # noqa: BLE001 - the others go on, and the table says it
            return f"{type(error).__name__}: {error}".splitlines()[0]
    return ", ".join(missed) or "talks"


def _ends(product: Product) -> list[Any]:
    return [line["reason"] for line in product.log("webrtc-agent") if line["event"] == "session_ended"]
