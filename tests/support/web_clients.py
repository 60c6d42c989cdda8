"""Published pairs of Pipecat's web client and its peer-to-peer transport, each bundled into an app of its own."""

import asyncio
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, Route
from playwright.async_api import Error as PlaywrightError

from tests.support.third_party import CLIENTS, missing
from tools.workspace import ROOT, VENV, program

WEB = CLIENTS / "web"
REST = CLIENTS / "web-rest"
_VITE = ROOT / "services/webrtc-agent/client/node_modules/vite/bin/vite.js"
_BUILD_SECONDS = 120.0
_TURN_MS = 90_000
"""Deadline of each step of a conversation, while other conversations run."""
_AUDIBLE = 0.02
_EVENTS = "() => events"
_ALL_IS_SPOKEN = """() => events.errors.length > 0 || parseInt(events.ready.version) < 2
    || events.output.filter((output) => output.spoken_status === "completed").length >= events.agent.length"""
_FIRST_WITH_SESSIONS = (1, 7, 2)
"""The first transport that reads ``sessionId``."""
_FIRST_WITH_TOOLS = [1, 2]
"""The version of RTVI whose clients receive tool events."""

type Json = dict[str, Any]


@dataclass(frozen=True)
class App:
    """A page around one pair, and the route by which it connects."""

    pair: str
    """Versions of the client and of its transport."""
    route: str

    @property
    def bundle(self) -> str:
        """Return the bundler's name of its file."""
        return f"{self.pair.replace('+', '_')}.js"


def every_app() -> list[App]:
    """List all pairs with the routes that each can use."""
    pairs = sorted(folder.name for home in (WEB, REST) for folder in (home / "pairs").iterdir())
    return [App(pair, route) for pair in pairs for route in ("/start", "/connect", "/api/offer") if _knows(pair, route)]


def _knows(pair: str, route: str) -> bool:
    transport = pair.partition("+")[2]
    is_for_telephones = transport.startswith("rn-")  # React Native's route, which began with sessions
    return (
        route != "/start"
        or is_for_telephones
        or tuple(int(part) for part in transport.split(".")) >= _FIRST_WITH_SESSIONS
    )


async def bundle(pairs: Collection[str], folder: Path) -> Path:
    """Bundle the app for each of these pairs."""
    for pair in pairs:
        if not any((home / "pairs" / pair / "node_modules").is_dir() for home in (WEB, REST)):
            missing(
                f"the web client {pair} needs an isolated environment: `make isolated-tools` or `make clients` makes it"
            )
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
    assert b"externalized" not in output, output.decode()  # such a bundle fails at its start
    return folder


async def talk(app: App, browser: Browser, base_url: str, folder: Path) -> Json:
    """Hold one conversation: hear the greeting, ask aloud, hear the answer, request what is not offered, leave.

    Returns:
        What the app's callbacks received, and the client's answer to the request.
    """
    context = await browser.new_context()
    try:
        page = await context.new_page()
        page.set_default_timeout(_TURN_MS)
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        await _serve(page, app, folder)
        try:
            events, answer = await _converse(page, f"{base_url}/app/index.html?by={app.route}")
        except PlaywrightError as error:
            raise AssertionError(f"{error.message.splitlines()[0]} {await page.evaluate(_EVENTS)}") from error
    finally:
        await context.close()
    foreign = [url for url in requests if not url.startswith((base_url, "data:", "blob:"))]
    return events | {"answer": answer, "foreign": foreign}


async def _converse(page: Page, url: str) -> tuple[Json, Json]:
    await page.goto(url)
    await page.wait_for_function("() => globalThis.loaded")
    await page.evaluate("() => begin()")
    await page.wait_for_function(
        "() => events.errors.length > 0 || (events.ready && events.quiet && events.agent.length)"
    )
    await page.evaluate("() => speak()")
    await page.wait_for_function("() => events.errors.length > 0 || (events.visitor.length && events.agent.length > 1)")
    await page.wait_for_function(_ALL_IS_SPOKEN)
    answer = await page.evaluate("() => request()")
    await page.evaluate("() => client.disconnect()")
    await page.wait_for_function("() => events.state === 'disconnected'")
    return await page.evaluate(_EVENTS), answer


def faults(events: Json) -> list[str]:
    """List what an app's user would have missed; empty if nothing."""
    version = [int(part) for part in events["ready"]["version"].split(".")] if events["ready"] else [0]
    spoken = [output["text"] for output in events["output"] if output.get("spoken_status") == "completed"]
    holds = {
        f"errors {events['errors']}": events["errors"] == [],
        "bot-ready": version[0] in (1, 2),
        "agent audible": events["loudest"] > _AUDIBLE,
        f"question once {events['visitor']}": events["visitor"] == ["turn 1"],
        f"sentences once {events['agent']}": len(events["agent"]) == len(set(events["agent"])) > 1,
        f"bot-output {spoken}": version[0] < 2 or spoken == events["agent"],
        f"tool events {events['tools']}": version < _FIRST_WITH_TOOLS or len(events["tools"]) == 1,
        f"refusal {events['answer']}": _is_refusal(events["answer"]),
        f"other hosts {events['foreign']}": events["foreign"] == [],
    }
    return [name for name, is_so in holds.items() if not is_so]


def _is_refusal(answer: Json) -> bool:
    return answer.get("type") == "error-response" and str(answer["data"]["error"]).endswith(".")


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
