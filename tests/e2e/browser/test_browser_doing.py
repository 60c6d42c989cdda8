"""What a visitor can do besides talking: type, mute, open a second tab, say goodbye."""

import re

import pytest
from playwright.async_api import expect

from tests.support.browser import Chromium
from tests.support.page import VisitorPage
from tests.support.whole_product import Product, heard_by_model

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_typed_words_are_answered_once(visitor: VisitorPage) -> None:
    """Typing needs no microphone; the page shows the words and the reply once each."""
    await visitor.type_instead()
    await visitor.type("what is the weather in Oslo")
    await visitor.agent_has_said(re.compile("in Oslo"))
    assert await visitor.asked() == ["what is the weather in Oslo"]
    assert len([words for words in await visitor.answered() if "Oslo" in words]) == 1
    await expect(visitor.card).to_have_count(1)
    await visitor.take_pictures("typed")


async def test_a_visitor_who_wants_a_person_gets_a_card(visitor: VisitorPage) -> None:
    """The card shows the configured number once, as a link that a telephone can call."""
    await visitor.type_instead()
    for _ in range(2):
        await visitor.type("I want to talk to a human")
        await visitor.agent_has_said("You can see on the page how to reach a person.")
    await expect(visitor.card).to_have_count(1)
    await expect(visitor.card).to_have_accessible_name("Talk to a person: Reception")
    call = visitor.card.get_by_role("link", name="Call +15005550001")
    await expect(call).to_have_attribute("href", "tel:+15005550001")
    await call.focus()
    await expect(call).to_be_focused()
    await visitor.take_pictures("person")


async def test_the_agent_ends_the_conversation(visitor: VisitorPage) -> None:
    """A goodbye gets a goodbye, and the page says that the conversation is over and how to start another."""
    await visitor.type_instead()
    await visitor.type("goodbye")
    await visitor.does("Ended")
    await expect(visitor.visit.page.get_by_text("The conversation is over.")).to_be_visible()
    await expect(visitor.button("Type again")).to_be_focused()
    await visitor.take_pictures("ended-by-agent")


async def test_a_muted_visitor_is_not_heard(chromium: Chromium, product: Product) -> None:
    """The model does not hear a muted visitor, and hears the visitor again after unmuting."""
    await chromium.microphone.will_say(4.0, "what is the weather in Oslo", 4.0, "what is the weather in Paris")
    async with chromium.visit(product.state["base_url"]) as visit:
        visitor = VisitorPage(visit)
        await visitor.talk()
        await visitor.press("Mute the microphone")
        await visitor.does("Muted", "Speaking")
        await visit.page.wait_for_function("() => tap.hasSpoken()")
        await visitor.take_pictures("muted")
        assert heard_by_model(product)[-1][1:] == []
        await visitor.press("Mute the microphone")
        await visitor.agent_has_said(re.compile("in Paris"))
        heard = [words.lower() for words in heard_by_model(product)[-1][1:]]
        assert heard[:1] == ["what is the weather in paris"]  # a slow look-up adds an order of ours after it
        assert "oslo" not in " ".join(heard)


async def test_two_tabs_hold_two_conversations(chromium: Chromium, product: Product, visitor: VisitorPage) -> None:
    """Each tab has its own conversation, and ending one does not end the other."""
    async with chromium.visit(product.state["base_url"], beside=visitor.visit) as visit:
        second = VisitorPage(visit)
        await visitor.type_instead()
        await second.type_instead()
        await second.type("what is the weather in Rome")
        await second.agent_has_said(re.compile("in Rome"))
        await second.press("End the conversation")
        await second.does("Ended")
    await visitor.visit.page.bring_to_front()
    await visitor.type("what is the weather in Oslo")
    await visitor.agent_has_said(re.compile("in Oslo"))
    assert not [words for words in await visitor.answered() if "Rome" in words]
