"""One browser and one product for all browser tests. Without a browser they skip, or fail where CI requires one."""

import os
import time
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from standins.speech import VoiceService
from tests.support import ledger
from tests.support.browser import INSECURE_HOST, Chromium, find_chromium, running_chromium
from tests.support.microphone import Microphone
from tests.support.page import VisitorPage
from tests.support.whole_product import Product, running
from voice_agent.run.ports import free_port

_HERE = Path(__file__).parent
_NO_BROWSER = (
    "these tests need Chromium: apt-get install chromium, or set CHROMIUM to the path of a Chromium or Chrome "
    "that is installed"
)
_IN_CI = os.environ.get("CI") == "true" or os.environ.get("BROWSER_TESTS") == "required"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a skipped test where CI requires it, because a skip would go unnoticed there."""
    report = yield
    if _IN_CI and report.skipped and item.path.is_relative_to(_HERE):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Run everything as `voice-agent run` does, with a higher limit of visitors per address than the default."""
    port = free_port()
    settings = {
        "ICE_HOSTS": "127.0.0.1",
        "RATE_LIMIT_STARTS_PER_MINUTE": "1000",
        "RATE_LIMIT_STARTS_PER_MINUTE_PER_ADDRESS": "1000",
        "ALLOWED_ORIGINS": f"http://{INSECURE_HOST}:{port}",
    }
    with running(tmp_path_factory.mktemp("browser"), settings, port=port) as product:
        yield product
        _wait_until_silent(product)
    lines = product.log("webrtc-agent")
    ledger.conversations_have_ended(lines)
    ledger.log_is_clean(lines)


def _wait_until_silent(product: Product) -> None:
    """Wait until every visitor's stream is closed (L2), though some of them could not say goodbye."""
    deadline = time.monotonic() + 20
    while opened := httpx.get(f"{product.state['nova']['control']}/stats").json()["streams_open"]:
        assert time.monotonic() < deadline, f"{opened} streams left open"
        time.sleep(0.1)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    """Start the browser, with an empty microphone tape."""
    program = find_chromium()
    if program is None:
        pytest.skip(_NO_BROWSER)
    microphone = Microphone(tmp_path_factory.mktemp("microphone") / "speech.wav", VoiceService())
    await microphone.will_be_silent()
    async with running_chromium(program, microphone) as chromium:
        yield chromium


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(chromium: Chromium, product: Product) -> AsyncIterator[VisitorPage]:
    """Open the product's page with an empty microphone tape."""
    await chromium.microphone.will_be_silent()
    async with chromium.visit(product.state["base_url"]) as visit:
        yield VisitorPage(visit)
