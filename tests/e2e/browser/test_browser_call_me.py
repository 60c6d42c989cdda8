"""A visitor asks to be called: they type a number, their telephone rings, they press 1, and the agent greets them."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from standins.nova.server import NovaSettings, NovaStandin
from standins.twilio.handset import Handset
from tests.support.axe import violations
from tests.support.browser import Chromium
from tests.support.page import VisitorPage
from tests.support.score import Score
from tests.support.waiting import until
from tests.support.web_process import WebProcess, web_process
from tests.support.whole_product import Product, running

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBER = "+46700000001"
CALLER = "+15005550001"
SOON = 30.0


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Run everything, with visitors who may be called in Sweden."""
    settings = {"ICE_HOSTS": "127.0.0.1", "CALL_ME_PREFIXES": "+46", "OPERATOR_NAME": "Example Ltd"}
    with running(tmp_path_factory.mktemp("call-me"), settings) as product:
        yield product


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def small_web(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WebProcess]:
    """Run a web service with one slot, which may call two countries, and whose Twilio does not answer."""
    folder = tmp_path_factory.mktemp("small")
    settings = {
        "MAX_SESSIONS": "1",
        "CALL_ME_PREFIXES": "+46,+49",
        "CALL_ME_FROM": CALLER,
        "CALL_ME_ACCOUNT_SID": "AC" + "0" * 32,
        "CALL_ME_API_SID": "SK" + "0" * 32,
        "CALL_ME_API_SECRET": "call-me-secret",
        "CALL_ME_API_URL": "http://127.0.0.1:9",
    }
    async with (
        NovaStandin(NovaSettings(certificates=folder), Score().backend()) as nova,
        web_process(nova, folder / "web.jsonl", settings) as web,
    ):
        yield web


async def _is_accessible(page: Page) -> None:
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert await violations(page) == []
    await page.set_viewport_size({"width": 320, "height": 640})
    assert await violations(page) == []
    await page.set_viewport_size({"width": 1100, "height": 760})


async def test_a_typed_number_rings_and_its_owner_talks_with_the_agent(chromium: Chromium, product: Product) -> None:
    """From the form to the agent's greeting, with one end record for the call and none for the asking."""
    async with chromium.visit(product.state["base_url"]) as visit, Handset(product.state["twilio"]["url"]) as handset:
        visitor, page = VisitorPage(visit), visit.page
        await visitor.type_instead()
        await visitor.press("End the conversation")
        await page.get_by_text("Get a call instead").click()
        await _is_accessible(page)
        await handset.wait_for_call(NUMBER)
        # With one country its code is already there.
        await expect(page.get_by_label("Your telephone number")).to_have_value("+46")
        await page.get_by_label("Your telephone number").fill("+46 (0)70-000 00 01")
        await visitor.press("Call me")
        await expect(page.locator(".call-me")).to_contain_text(f"The call comes from {CALLER}")
        await expect(page.locator(".call-me p")).to_be_focused()
        await _is_accessible(page)
        await handset.timeline.until("ringing", SOON)
        await handset.answer()
        first = await handset.timeline.until("say", SOON)
        assert "Example Ltd" in str(first.fields["text"])
        assert handset.timeline.last("stream_started") is None
        await handset.press("1")
        stream = await handset.timeline.until("stream_started", SOON)
        await until(lambda: _heard_since(handset, stream.at) > 0.5, SOON)
        await handset.hang_up()
        call_sid = handset.timeline.named("ring")[0].fields["call_sid"]
        await until(lambda: _records(product, str(call_sid)) == 1, SOON)
    [placed] = [line for line in product.log("webrtc-agent") if line["event"] == "call_me_placed"]
    assert (placed["call_sid"], placed["prefix"]) == (call_sid, "+46")
    for service in ("webrtc-agent", "phone-agent"):
        assert NUMBER[1:] not in (product.folder / product.state["logs"][service]).read_text(encoding="utf-8")


def _heard_since(handset: Handset, at: float) -> float:
    """Return the seconds of audio that the person has heard since a time on the call's clock."""
    return sum(
        float(str(event.fields["seconds"])) for event in handset.timeline.named("sound_ends") if event.at > at + 0.1
    )


def _records(product: Product, call_sid: str) -> int:
    return sum(line["event"] == "session_ended" and line["call_sid"] == call_sid for line in product.log("phone-agent"))


async def test_a_blocked_network_offers_a_call(chromium: Chromium, product: Product) -> None:
    """Where audio does not get through, the form is beside the explanation."""
    async with chromium.visit(product.state["base_url"]) as visit:
        visitor = VisitorPage(visit)
        await visit.lose_datagrams()
        await visitor.press("Talk")
        await visitor.press("Type instead")
        await expect(visit.page.get_by_text("this network probably blocks it")).to_be_visible()
        await visit.page.get_by_text("Get a call instead").click()
        await expect(visitor.button("Call me")).to_be_visible()
        await _is_accessible(visit.page)


async def test_who_waits_can_be_called_and_reads_why_not(chromium: Chromium, small_web: WebProcess) -> None:
    """Each refusal is one sentence beside the field, which keeps the number and has the focus."""
    async with chromium.visit(small_web.url) as first, chromium.visit(small_web.url) as second:
        talking, waiting, page = VisitorPage(first), VisitorPage(second), second.page
        await talking.type_instead()
        await waiting.press("Talk")
        await waiting.press("Type instead")
        await page.get_by_text("Get a call instead").click()
        field = page.get_by_label("Your telephone number")
        for number, sentence in (
            ("0700000001", "Please type the number with + and the country code, such as +46."),
            ("+447700900123", "We can call numbers that begin with +46 or +49."),
            (NUMBER, "We could not place the call. Please try again later."),
            (NUMBER, "You have just asked for a call."),
        ):
            await field.fill(number)
            await field.press("Enter")
            await expect(page.locator(".call-me__problem")).to_contain_text(sentence)
            await expect(field).to_be_focused()
            assert await field.input_value() == number
        await _is_accessible(page)
        # The visitor has kept their place all the while.
        await expect(page.get_by_role("heading", name="You are next")).to_be_visible()
        await talking.press("End the conversation")


async def test_without_prefixes_there_is_no_form(visitor: VisitorPage) -> None:
    """The module's own product offers it; a service without the setting does not."""
    await visitor.visit.page.route("**/notice*", lambda route: route.fulfill(json={"version": "a", "summary": "b"}))
    await visitor.visit.page.reload()
    await visitor.type_instead()
    await visitor.press("End the conversation")
    await expect(visitor.button("Type again")).to_be_visible()
    assert await visitor.visit.page.locator(".call-me").count() == 0
