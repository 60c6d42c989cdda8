"""A visitor reads the page in the language of its agent, from the start to the goodbye, however wide the window is."""

import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Route

from agent_core.agent_runtime import AgentRuntime
from agent_core.agents.agent import Agent
from agent_core.agents.agent_file import AgentFile
from agent_core.sentence import Sentence
from agent_core.sentences import Sentences
from standins.serving import serving
from tests.support.axe import SHAPE, violations
from tests.support.browser import Chromium
from tests.support.call_shelves import Memo
from tests.support.given_agents import WEATHER, given
from tests.support.page_states import Look, Scene, scene
from tests.support.page_words import words
from tests.support.scripted_model import ScriptedModel
from voice_agent.run.ports import free_port
from webrtc_agent.app import create_app
from webrtc_agent.settings import WebSettings
from webrtc_agent.web_service import WebService

pytestmark = pytest.mark.asyncio(loop_scope="session")

LOOKS: Final = {
    "wide": Look((1280, 800)),
    "phone": Look((390, 844), rules=SHAPE),
    "narrow": Look((320, 640), rules=SHAPE),
}
ENGLISH: Final = re.compile(
    r"\b(the|you|your|please|with|this|is|are|again|not|try|and|of|hear|microphone|sound|speaker)\b", re.IGNORECASE
)
"""Words of almost every English sentence, and of no other language of the page."""


def agent(language: str, name: str, question: str, answer: str) -> Agent:
    """Return an agent that speaks a language, with a page in it."""
    page = {"path": f"/a/{language[:2]}", "welcome": answer, "questions": [question], "placeholder": question}
    file = AgentFile.model_validate({"name": name, "language": language, "page": page})
    return Agent(language[:2], "0" * 12, file, sentences=Sentences.of(language))


AGENTS: Final = (
    agent("de-DE", "Bäckerei Hölzl", "Haben Sie heute Roggenbrot?", "Fragen Sie nach Brot und Kuchen."),
    agent("fr-FR", "Chez Léa", "Avez-vous du pain de seigle ?", "Demandez du pain ou des gâteaux."),
    agent("es-US", "Casa Lola", "¿Tienen pan de centeno?", "Pregunte por pan y pasteles."),
    agent("it-IT", "Da Rosa", "Avete il pane di segale?", "Chieda del pane e dei dolci."),
    agent("pt-BR", "Casa Rita", "Vocês têm pão de centeio?", "Pergunte sobre pães e bolos."),
    agent("hi-IN", "आशा बेकरी", "क्या आपके पास राई की रोटी है?", "रोटी और केक के बारे में पूछें।"),
)
THEIRS: Final = {
    one.id: {"question": one.file.page.questions[0], "answer": one.file.page.welcome or ""} for one in AGENTS
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def base_url() -> AsyncIterator[str]:
    """Serve the built page for agents of all languages, with everything that an operator can turn on."""
    port = free_port()
    own = f"http://127.0.0.1:{port}"
    settings = WebSettings.model_validate(
        {"public_base_url": own, "transport": "webrtc", "max_sessions": 100, "ice_hosts": "127.0.0.1"}
        | {"call_store": "file:replaced", "operator_phone": "+498900000000", "operator_name": "Hölzl GmbH"}
        | {"privacy_url": "https://a.example", "terms_url": "https://b.example", "contact_url": "https://c.example"}
        | {"rate_limit_starts_per_minute_per_address": 1000, "rate_limit_starts_per_minute": 1000}
    )
    runtime = AgentRuntime(settings, ScriptedModel(), given(WEATHER, *AGENTS), lambda _: None)
    lobby = WebService(settings, runtime, None, Memo())
    async with serving(create_app(lobby), host="127.0.0.1", port=port, pages=True):
        yield own
    await lobby.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def scripted(chromium: Chromium, base_url: str) -> AsyncIterator[Scene]:
    """Make a page whose agent does what a test scripts, in a browser whose own language is English."""
    context = await chromium.browser.new_context(reduced_motion="reduce", locale="en-US")
    try:
        made = await scene(context, base_url)
        await made.page.route("**/notice?*", _with_calls)
        yield made
    finally:
        await context.close()


async def _with_calls(route: Route) -> None:
    """Let the notice offer calls, for which a service needs an account."""
    notice = await (await route.fetch()).json()
    await route.fulfill(json=notice | {"call_me": {"prefixes": ["+49", "+43"], "from": "+498900000000"}})


def named(say: dict[str, str], name: str, label: str) -> str:
    """Return the accessible name of a control, which contains its label (WCAG 2.5.3)."""
    return say[name] if say[label].lower() in say[name].lower() else f"{say[label]}: {say[name]}"


async def talked(scene: Scene, path: str, say: dict[str, str], theirs: dict[str, str]) -> AsyncIterator[str]:
    """Go through a spoken conversation, from the notice to the rating."""
    page = scene.page
    await scene.open(path)
    await page.get_by_role("button", name=say["details"]).wait_for()
    yield "welcome"
    await scene.press(say["notice_button"])
    yield "notice"
    await page.keyboard.press("Escape")
    await scene.press(say["talk"])
    yield "permission"
    await page.context.grant_permissions(["microphone"])
    await scene.press(say["continue"])
    await scene.does(say["listening"])
    await scene.tell("bot-started-speaking")
    await scene.say(1, theirs["answer"], "in-progress")
    yield "greeting"
    await scene.say(1, theirs["answer"])
    await scene.tell("bot-stopped-speaking")
    yield "listening"
    await scene.tell("user-started-speaking")
    yield "hearing"
    await scene.tell("user-stopped-speaking")
    await scene.hear(theirs["question"])
    yield "thinking"
    async for state in _answered(scene, say, theirs):
        yield state
    async for state in _ended(scene, say):
        yield state


async def _answered(scene: Scene, say: dict[str, str], theirs: dict[str, str]) -> AsyncIterator[str]:
    """Use a tool, offer a person, be interrupted by the visitor, and lose the connection for a while."""
    await scene.tell("llm-function-call-in-progress", function_name="look", tool_call_id="t", arguments={})
    await scene.does(say["busy_tool"])
    yield "tool"
    result = {"card": {"title": theirs["question"], "value": "7"}}
    await scene.tell("llm-function-call-stopped", tool_call_id="t", cancelled=False, result=result)
    person = {"name": "Léa", "number": "+498900000001", "url": "https://a.example/"}
    await scene.tell("server-message", type="call-back", **person)
    await scene.tell("bot-started-speaking")
    await scene.say(2, theirs["answer"], "in-progress")
    await scene.tell("user-started-speaking")
    await scene.tell("user-stopped-speaking")
    yield "interrupted"
    await scene.line(steady=False)
    await scene.does(say["reconnecting"])
    yield "reconnecting"
    await scene.line(steady=True)
    await scene.page.locator(".stage__words", has_text=say["reconnecting"]).wait_for(state="hidden")


async def _ended(scene: Scene, say: dict[str, str]) -> AsyncIterator[str]:
    """Look at every control, end the conversation, rate it and discard it."""
    page = scene.page
    await scene.press(named(say, "mute_name", "mute"))
    yield "muted"
    await scene.press(named(say, "devices_title", "devices"))
    await scene.press(say["test_sound"])
    yield "settings"
    await scene.press(say["shortcuts"])
    yield "shortcuts"
    await page.keyboard.press("Escape")
    await scene.press(named(say, "end_name", "end"))
    await scene.does(say["ended"])
    await page.locator(".call-me summary").click()
    yield "ended"
    await page.route("**/rating", lambda route: route.fulfill(status=204))
    await scene.press(say["rating_bad"])
    yield "rated"
    await scene.press(say["discard"])
    yield "discarded"


async def typed(scene: Scene, path: str, say: dict[str, str], theirs: dict[str, str]) -> AsyncIterator[str]:
    """Go through a typed conversation, and what can go wrong before one and in one."""
    page = scene.page
    await scene.open(path)
    await scene.press(say["type"])
    await scene.does(say["ready"])
    field = page.get_by_label(say["type_to_agent"])
    await field.fill(theirs["question"])
    await field.press("Enter")
    await scene.say(1, theirs["answer"])
    yield "typed"
    message = {"error": Sentences.of(AGENT_LANGUAGE[path[-2:]])[Sentence.MESSAGE_TOO_FAST]}
    await page.evaluate("(data) => scripted.tell('error-response', data, scripted.sent.at(-1).id)", message)
    await page.get_by_role("alert").wait_for()
    yield "not-taken"
    for name, answer in (
        ("queue", {"busy": True, "queue": {"ticket": "t", "position": 3, "seconds": 300, "every": 60}}),
        ("busy", {"busy": True}),
        ("closed", {"closed": True}),
        ("limited", {}),
    ):
        await page.route("**/start", _refusal(answer))
        await scene.open(path)
        await scene.press(say["type"])
        await page.locator("[role=alert], .queue").first.wait_for()
        yield name
        await page.unroute("**/start")
    for error in ("NotAllowedError", "NotFoundError", "NotReadableError"):
        await scene.open(f"{path}?microphone={error}")
        await scene.press(say["talk"])
        await scene.press(say["continue"])
        await page.get_by_role("alert").wait_for()
        yield error


def _refusal(answer: dict[str, Any]) -> Any:  # noqa: ANN401 - a handler of Playwright
    headers = {"Retry-After": "40", "Content-Type": "application/json"}
    return lambda route: route.fulfill(status=429, body=json.dumps(answer), headers=headers)


AGENT_LANGUAGE: Final = {one.id: one.language for one in AGENTS}
_READ: Final = """
() => {
  const own = new Set();
  const add = (text) => text?.trim() && own.add(text.trim());
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.closest("script, style, noscript")) {
      add(walker.currentNode.textContent);
    }
  }
  for (const element of document.body.querySelectorAll("*")) {
    for (const name of ["aria-label", "aria-valuetext", "placeholder", "title", "alt", "data-tip"]) {
      add(element.getAttribute(name));
    }
  }
  add(document.title);
  return [...own];
}
"""
"""Every text of the page, also those that only screen readers read."""
_SPILLS: Final = """
() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode;
    const one = text.parentElement;
    if (!text.data.trim() || !one.checkVisibility({ visibilityProperty: true })) continue;
    if (one.closest(".out-of-sight, .shows-on-focus, option, script, noscript, style")) continue;
    let box = one;
    while (getComputedStyle(box).display === "inline") box = box.parentElement;
    const range = document.createRange();
    range.selectNodeContents(text);
    const [words, place] = [range.getBoundingClientRect(), (one.closest("button, kbd") ?? box).getBoundingClientRect()];
    const spills = words.right > Math.min(place.right, innerWidth) + 1 || words.left < Math.max(place.left, 0) - 1;
    if (spills) found.push(text.data);
  }
  return found;
}
"""
"""Words that are wider than their place, or than the window."""


@pytest.mark.parametrize("flow", [talked, typed], ids=lambda flow: flow.__name__)
@pytest.mark.parametrize(
    "language", ["de", "fr", *(pytest.param(one, marks=pytest.mark.thorough) for one in ("es", "it", "pt", "hi"))]
)
async def test_a_page_is_in_the_language_of_its_agent(scripted: Scene, language: str, flow: Any) -> None:  # noqa: ANN401
    """No text is English, in sight or out of it; axe finds nothing, and long words stay within their places."""
    say, english = words(language), set(words("en").values())
    allowed = {text for key, text in words("en").items() if say[key] == text}
    found: list[object] = []
    async for state in flow(scripted, f"a/{language}", say, THEIRS[language]):
        assert await scripted.page.evaluate("() => document.documentElement.lang") == AGENT_LANGUAGE[language]
        texts = await scripted.page.evaluate(_READ)
        found += [(state, text) for text in texts if ENGLISH.search(text) or text in english - allowed]
        for name, look in LOOKS.items():
            await look.put_on(scripted.page)
            await _take_picture(scripted, f"{language}-{flow.__name__}-{state}-{name}", look)
            found += [(state, name, *one) for one in await violations(scripted.page, look.rules)]
            found += [(state, name, "spills", one) for one in await scripted.page.evaluate(_SPILLS)]
        await LOOKS["wide"].put_on(scripted.page)
    assert found == []


async def _take_picture(scripted: Scene, name: str, look: Look) -> None:
    folder = os.environ.get("SCREENSHOTS")
    if folder and look is not LOOKS["narrow"]:
        Path(folder).mkdir(parents=True, exist_ok=True)
        await scripted.page.screenshot(path=Path(folder) / f"{name}.png")


async def test_only_the_page_s_own_language_is_loaded(scripted: Scene) -> None:
    """A German page loads German beside what every page loads, and an English one no language."""
    requested: list[str] = []
    scripted.page.on("request", lambda request: requested.append(request.url))
    for path in ("", "a/de"):
        await scripted.open(path)
        await scripted.page.wait_for_load_state("networkidle")
    assert {found[1] for url in requested if (found := re.search(r"/assets/(..)-", url))} == {"de"}
