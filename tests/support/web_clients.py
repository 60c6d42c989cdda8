"""Published pairs of Pipecat's web client and its peer-to-peer transport, each bundled into an app of its own."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Page, Route

from tests.support.browser import Chromium
from tests.support.third_party import CLIENTS, missing
from tests.support.whole_product import Product
from tools.environment import VENV
from tools.workspace import ROOT, program

WEB = CLIENTS / "web"
REST = CLIENTS / "web-rest"
QUESTION = "what is the weather in Paris"
_VITE = ROOT / "services/webrtc-agent/client/node_modules/vite/bin/vite.js"
_BUILD_SECONDS = 120.0
_TURN_MS = 90_000
"""For one spoken turn, while others are spoken beside it."""
_AUDIBLE = 500

type Json = dict[str, Any]


@dataclass(frozen=True)
class App:
    """A page around one pair, and the route by which it connects."""

    pair: str
    """Versions of the client and of its transport."""
    route: str

    @property
    def bundle(self) -> str:
        """Its file, as the bundler names it."""
        return f"{self.pair.replace('+', '_')}.js"


async def bundle(pairs: set[str], folder: Path) -> Path:
    """Bundle the app for each of these pairs."""
    for pair in pairs:
        if not any((home / "pairs" / pair / "node_modules").is_dir() for home in (WEB, REST)):
            missing(f"the web client {pair} has an environment of its own: `make apart` or `make clients` makes it")
    node = program(VENV, "node")
    process = await asyncio.create_subprocess_exec(
        *map(str, (node, _VITE, "build", "--config", WEB / "vite.config.mjs", "--outDir", folder)),
        env=os.environ | {"PAIRS": " ".join(sorted(pairs))},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), _BUILD_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, output.decode()
    return folder


async def talk(app: App, chromium: Chromium, product: Product, folder: Path) -> Json:
    """Hold one conversation: hear the greeting, ask aloud, hear the answer, ask for what is not offered, leave.

    Returns:
        What the app's callbacks were told, how loud the agent was, and what the browser complained of.
    """
    base_url = product.state["base_url"]
    async with chromium.visit(f"{base_url}/status") as visit:
        page = visit.page
        page.set_default_timeout(_TURN_MS)
        await _serve(page, app, folder)
        await visit.permit(microphone=True)
        await page.goto(f"{base_url}/app/index.html?by={app.route}")
        await page.wait_for_function("() => globalThis.loaded")
        await page.evaluate("() => begin()")
        await page.wait_for_function("() => told.ready !== null || told.errors.length > 0")
        answered = "() => told.errors.length > 0 || told.agent.some((words) => words.includes('in Paris'))"
        await page.wait_for_function(answered)
        refused = await page.evaluate("() => request()")
        loudness = (await visit.recording())[:, 1]
        await page.evaluate("() => client.disconnect()")
        await page.wait_for_function("() => told.state === 'disconnected'")
        told: Json = await page.evaluate("() => told")
        foreign = visit.hosts() - {base_url.removeprefix("http://")}
    heard = bool((abs(loudness.astype(int)) > _AUDIBLE).any())
    return told | {"answer": refused, "heard": heard, "foreign": foreign}


def faults(told: Json) -> list[str]:
    """Say what an app's user would have missed; nothing is as it should be."""
    sentences = told["agent"]
    found = {
        "errors": told["errors"] == [],
        "bot-ready": told["ready"] is not None,
        "greeting audible": told["heard"],
        "question once": [words.lower() for words in told["visitor"]] == [QUESTION],
        "sentences once": len(sentences) == len(set(sentences)) >= 2,
        "answer": any("in Paris" in words for words in sentences),
        "refusal": told["answer"].get("type") == "error-response" and bool(told["answer"]["data"]["error"]),
        "own host only": told["foreign"] == set(),
    }
    return [name for name, holds in found.items() if not holds]


def models_prompts(product: Product) -> list[str]:
    """Read the system prompts that the pretend model was given."""
    sessions = httpx.get(f"{product.state['nova']['control']}/sessions").json()
    return [session["system"] for session in sessions]


def streams_open(product: Product) -> int:
    """Count the conversations that the pretend model holds."""
    return int(httpx.get(f"{product.state['nova']['control']}/stats").json()["streams_open"])


async def _serve(page: Page, app: App, folder: Path) -> None:
    html = (WEB / "index.html").read_text(encoding="utf-8")
    html = html.replace("</body>", f'<script type="module" src="./{app.bundle}"></script></body>')

    async def give(route: Route) -> None:
        name = route.request.url.partition("/app/")[2].partition("?")[0]
        file = folder / name
        if name == "index.html":
            await route.fulfill(body=html, content_type="text/html")
        elif file.is_file():
            await route.fulfill(path=file)
        else:
            await route.fulfill(status=404)

    await page.route("**/app/**", give)
