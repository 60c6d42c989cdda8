"""A conversation on the page survives faults of the visitor's network, of the tab and of our processes."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from agent_core.call_state_writer import SETTLE_SECONDS
from standins.edge.server import Edge, EdgeSettings
from standins.nova.backend import Step
from standins.nova.server import NovaSettings, NovaStandin
from tests.support.browser import Chromium
from tests.support.edge_setting import TEMPLATE, WEB
from tests.support.page import VisitorPage
from tests.support.score import Score, Turn, note
from tests.support.waiting import until
from tests.support.web_process import WebProcess, web_process
from tests.support.whole_product import Product
from voice_agent.run.ports import free_port

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOTICED_SECONDS = 3.0
AUDIBLE = 1000
"""Amplitude of a voice in a recording; silence stays below it."""
_STATUS = """
globalThis.statuses = [];
setInterval(() => {
  const words = document.querySelector('[role="status"]')?.textContent ?? "";
  const hint = document.querySelector(".stage__hint")?.textContent ?? "";
  const last = statuses.at(-1);
  if (!last || last.words !== words || last.hint !== hint) statuses.push({ words, hint, at: Date.now() / 1000 });
}, 20);
"""


async def _watched(visitor: VisitorPage) -> None:
    await visitor.visit.page.evaluate(_STATUS)


async def _statuses(visitor: VisitorPage) -> list[dict[str, Any]]:
    """Return what the page said it did, with the time of each change."""
    return list(await visitor.visit.page.evaluate("statuses"))


def _lines(product: Product, event: str) -> list[dict[str, Any]]:
    return [line for line in product.log("webrtc-agent") if line["event"] == event]


@pytest_asyncio.fixture(loop_scope="session")
async def talking(visitor: VisitorPage) -> AsyncIterator[VisitorPage]:
    """Return a visitor who has asked a question and has heard the reply."""
    await visitor.type_instead()
    await visitor.greeted()
    await visitor.type("what is the weather in Oslo")
    await visitor.agent_has_said(re.compile("in Oslo"))
    yield visitor


async def _goes_on(visitor: VisitorPage, product: Product, session: str) -> None:
    """Check that the same conversation answers a question that needs its history."""
    await visitor.type("and tomorrow")
    await visitor.agent_has_said(re.compile("omorrow"))
    assert await visitor.asked() == ["what is the weather in Oslo", "and tomorrow"]
    said = " ".join(await visitor.answered())
    assert said.count("Ask me about the weather in a city.") == 1
    await visitor.press("End the conversation")
    await until(lambda: bool(_ends(product, session)), 10)
    assert [line["reason"] for line in _ends(product, session)] == ["caller_hung_up"]


def _ends(product: Product, session: str) -> list[dict[str, Any]]:
    return [line for line in _lines(product, "session_ended") if line["session_id"] == session]


async def test_a_reload_goes_on_in_the_same_conversation(product: Product, talking: VisitorPage) -> None:
    """A reload keeps the conversation with its transcript and cards; another tab starts its own."""
    session = _lines(product, "session_started")[-1]["session_id"]
    before = [await talking.asked(), await talking.answered()]
    await talking.visit.page.reload()
    await talking.is_connected()
    assert [await talking.asked(), await talking.answered()] == before
    assert _lines(product, "session_resumed")[-1]["session_id"] == session
    await expect(talking.card.first).to_be_visible()
    await talking.take_pictures("reloaded")
    await _goes_on(talking, product, session)
    assert [line for line in talking.visit.complaints if "health" not in line] == []


ANSWER = re.compile("degrees?.* in Oslo")


async def _asks_aloud(chromium: Chromium, visitor: VisitorPage, silence: float) -> None:
    """Ask by voice, and wait until the agent speaks its answer."""
    await chromium.microphone.will_say(silence, "what is the weather in Oslo")
    await visitor.talk()
    answering = visitor.visit.page.locator(
        '.sentence:is([data-heard="speaking"], [data-heard="said"])', has_text=ANSWER
    )
    await expect(answering).not_to_have_count(0, timeout=60_000)


async def test_a_spoken_conversation_goes_on_after_a_reload_in_the_middle(
    chromium: Chromium, product: Product, visitor: VisitorPage
) -> None:
    """A reload while the agent answers aloud keeps words, card, microphone and session; the next words are heard."""
    page = visitor.visit.page
    await _asks_aloud(chromium, visitor, 16.0)
    session = _lines(product, "session_started")[-1]["session_id"]
    asked, cards = await visitor.asked(), await visitor.card.count()
    assert [words.lower() for words in asked] == ["what is the weather in oslo"]
    # The browser plays the tape from its start whenever a page opens the microphone; the agent first repeats itself.
    await chromium.microphone.will_say(14.0, "and tomorrow")
    await page.reload()
    await visitor.is_connected()
    assert _lines(product, "session_resumed")[-1]["session_id"] == session
    assert (await visitor.asked(), await visitor.card.count()) == (asked, cards)
    await expect(visitor.button("Mute the microphone")).to_have_attribute("aria-pressed", "false")
    await visitor.agent_has_said(re.compile("omorrow"))
    assert [words.lower() for words in await visitor.asked()] == ["what is the weather in oslo", "and tomorrow"]
    said = " ".join(await visitor.answered())
    assert said.count("Ask me about the weather in a city.") == 1  # no second greeting
    heard = await visitor.visit.recording()  # since the reload
    assert min(int(abs(heard[:, side].astype(int)).max()) for side in (0, 1)) > AUDIBLE
    await visitor.press("End the conversation")
    await until(lambda: bool(_ends(product, session)), 10)
    (record,) = _ends(product, session)
    assert (record["reason"], record["resumed"], record["caller_turns"]) == ("caller_hung_up", 1, 2)
    assert [line for line in visitor.visit.complaints if "health" not in line] == []


@pytest.mark.parametrize("seconds", [5, 16])
async def test_a_network_that_was_away_changes_nothing(
    chromium: Chromium, product: Product, talking: VisitorPage, seconds: int
) -> None:
    """The page reports a lost network within three seconds, never claims to listen, and continues later."""
    session = _lines(product, "session_started")[-1]["session_id"]
    await _watched(talking)
    async with chromium.without_network():
        gone = time.time()
        await talking.does("Reconnecting")
        await talking.take_pictures("reconnecting")
        await asyncio.sleep(gone + seconds - time.time())
        back = time.time()
    await talking.does("Ready")
    statuses = await _statuses(talking)
    noticed = next(one["at"] for one in statuses if one["words"] == "Reconnecting")
    assert noticed - gone < NOTICED_SECONDS
    during = [one["words"] for one in statuses if noticed <= one["at"] < back]
    assert set(during) == {"Reconnecting"}
    await _goes_on(talking, product, session)


TAKEN_OUT_SECONDS = 6.0
"""Until the load balancer detects a dead task; meanwhile it answers 502 for it."""


@asynccontextmanager
async def _two_tasks(folder: Path, score: Score) -> AsyncIterator[tuple[str, list[WebProcess], Edge]]:
    port = free_port()
    settings = {"PUBLIC_BASE_URL": f"http://127.0.0.1:{port}", "CALL_STORE": f"file:{folder / 'calls'}"}
    async with (
        NovaStandin(NovaSettings(certificates=folder), score.backend()) as nova,
        web_process(nova, folder / "one.jsonl", settings) as one,
        web_process(nova, folder / "two.jsonl", settings) as two,
        Edge(EdgeSettings(TEMPLATE, {WEB: [("127.0.0.1", one.port), ("127.0.0.1", two.port)]}, port=port)) as edge,
    ):
        yield edge.url, [one, two], edge


async def test_a_killed_process_is_said_to_be_ours_and_another_task_goes_on(chromium: Chromium, tmp_path: Path) -> None:
    """After a killed process the page blames us and another task continues, with one record in both logs."""
    score, remembered = Score(), []

    def plan(turn: Turn) -> Sequence[Step]:
        remembered.append([words for _, words in turn.remembers])
        return [note(500, 300, f"answer {len(remembered)}")]

    score.plan = plan
    async with _two_tasks(tmp_path, score) as (url, tasks, edge), chromium.visit(url) as visit:
        visitor = VisitorPage(visit)
        await visitor.type_instead()
        await visitor.type("the first question")
        await visitor.agent_has_said("answer 2")
        await _watched(visitor)
        dying, living = tasks if await tasks[0].sessions() else tasks[::-1]
        await asyncio.sleep(4 * SETTLE_SECONDS)  # the service writes the last words in one batch, a little later
        dying.process.kill()
        killed = time.time()
        await asyncio.sleep(TAKEN_OUT_SECONDS)
        for target in edge.targets(WEB):
            if target.port == dying.port:
                edge.deregister(WEB, target)
        await until(lambda: bool(living.lines("session_resumed")), 30)
        await visitor.does("Ready")
        statuses = await _statuses(visitor)
        noticed = next(one["at"] for one in statuses if one["words"] == "Reconnecting")
        assert noticed - killed < NOTICED_SECONDS
        assert not any("probably your network" in one["hint"] for one in statuses)
        await until(lambda: any("the first question" in " ".join(words) for words in remembered), 20)
        assert (await visitor.asked()) == ["the first question"]
        await visitor.press("End the conversation")
        await until(lambda: bool(living.lines("session_ended")), 10)
        assert dying.lines("session_ended") == []
        (began,) = dying.lines("session_started")
        assert [line["session_id"] for line in living.lines("session_ended")] == [began["session_id"]]
