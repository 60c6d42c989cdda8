"""A visitor asks about the weather by voice in a real browser, through the edge, and hears the reply."""

import re
from dataclasses import dataclass
from math import floor
from typing import Any

import httpx
import pytest
import pytest_asyncio

from standins.speech import contains, transcribe_answer
from tests.support.browser import RATE, Chromium, Sound, Visit
from tests.support.page import VisitorPage
from tests.support.whole_product import Product

QUESTION = "what is the weather in Stockholm"
GREETING_SECONDS = 10.0
"""From opening the microphone to the end of the greeting, with a margin."""

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass(frozen=True)
class Talk:
    """Everything seen and heard in one conversation."""

    visit: Visit
    asked: list[str]
    answered: list[str]
    cards: list[str]
    sound: Sound
    policy: list[str]
    before: dict[str, Any]
    """The weather source's values before the question, which change with time."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def talk(chromium: Chromium, product: Product) -> Talk:
    """One spoken question and its complete reply.

    The microphone plays a tape. On a machine so busy that the question falls into the greeting, the visitor asks it
    again, after a longer wait.
    """
    try:
        return await _talk(chromium, product, GREETING_SECONDS)
    except AssertionError:
        return await _talk(chromium, product, 4 * GREETING_SECONDS)


async def _talk(chromium: Chromium, product: Product, silence: float) -> Talk:
    before = _current(product, "Stockholm")
    await chromium.microphone.will_say(silence, QUESTION)
    async with chromium.visit(product.state["base_url"]) as visit:
        page = VisitorPage(visit)
        await page.take_pictures("before")
        await page.press("Talk")
        await page.take_pictures("permission")
        await visit.permit(microphone=True)
        async with visit.held("**/start"):
            await page.press("Continue")
            await page.does("Connecting")
            await page.take_pictures("connecting")
        await page.is_connected()
        await page.greeted()
        await page.take_pictures("listening")
        await page.does("Speaking")
        await page.take_pictures("speaking")
        await page.agent_has_said(re.compile("degrees?.* in Stockholm"))
        await page.take_pictures("card")
        talk = Talk(
            visit,
            await page.asked(),
            await page.answered(),
            await page.card.all_inner_texts(),
            await visit.recording(),
            await visit.refused_by_policy(),
            before,
        )
        await page.press("End the conversation")
        await page.does("Ended")
        await page.take_pictures("ended")
    return talk


@pytest.mark.journey
async def test_the_sound_that_arrives_holds_what_the_weather_source_said(product: Product, talk: Talk) -> None:
    """The recorded audio has the weather source's numbers, as read by an independent recogniser."""
    answer = transcribe_answer(talk.sound[:, 1].tobytes(), RATE)
    assert contains(answer, "Stockholm"), answer
    known = {_whole(source["temperature_2m"]) for source in (talk.before, _current(product, "Stockholm"))}
    assert any(contains(answer, str(number)) for number in known), (known, answer)


async def test_both_sides_are_written_down_once(talk: Talk) -> None:
    """The transcript has the greeting, the question and the reply: each sentence once, none missing."""
    assert [words.lower() for words in talk.asked] == [QUESTION.lower()]
    assert len(talk.answered) == len(set(talk.answered)), talk.answered
    assert len([words for words in talk.answered if "Stockholm" in words]) == 1, talk.answered


async def test_the_card_shows_the_figures_of_the_weather_source(product: Product, talk: Talk) -> None:
    """The card's temperature, humidity and wind are the source's own values."""
    [card] = talk.cards
    assert "Stockholm" in card
    shown = card.replace("\n", "").replace("\u2212", "-")
    assert any(
        f"{_whole(current['temperature_2m'])}°" in shown
        and f"{_whole(current['relative_humidity_2m'])} %" in shown
        and f"{_whole(current['wind_speed_10m'])} km/h" in shown
        for current in (talk.before, _current(product, "Stockholm"))
    ), card


async def test_the_page_speaks_with_nobody_else(product: Product, talk: Talk) -> None:
    """The page contacts no other host, and the browser reports neither a policy violation nor an error."""
    assert talk.visit.hosts() == {product.state["base_url"].removeprefix("http://")}
    assert talk.policy == []
    assert talk.visit.complaints == []


async def test_the_visit_left_one_record(product: Product, talk: Talk) -> None:
    """The service's log has one record of the visit and none of its words."""
    assert talk.asked
    records = [line for line in product.log("webrtc-agent") if line["event"] == "session_ended"]
    assert [record["reason"] for record in records].count("caller_hung_up") >= 1
    assert "Stockholm" not in str(product.log("webrtc-agent"))


def _current(product: Product, place: str) -> dict[str, Any]:
    """Query the weather service itself, not the tool."""
    weather = product.state["weather"]
    found = httpx.get(weather["geocoding_url"], params={"name": place, "count": 10}).json()["results"]
    town = max(found, key=lambda one: one.get("population", 0))
    wanted = "temperature_2m,relative_humidity_2m,wind_speed_10m"
    query = {"latitude": town["latitude"], "longitude": town["longitude"], "current": wanted, "timezone": "auto"}
    current: dict[str, Any] = httpx.get(weather["forecast_url"], params=query).json()["current"]
    return current


def _whole(figure: float) -> int:
    return floor(figure + 0.5)
