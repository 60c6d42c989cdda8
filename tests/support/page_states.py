"""Every state of the visitor's page, one after the other: the built page, with a connection that a test scripts."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from playwright.async_api import BrowserContext, Locator, Page, Route, ViewportSize

from tests.support import axe

_PEER = Path(__file__).with_name("scripted_peer.js")
_HELLO = "Hello! Ask me about the weather in a city."
_STOCKHOLM = {
    "place": {"name": "Stockholm", "region": "Stockholm", "country": "Sweden"},
    "conditions": "partly_cloudy",
    "temperature": 4,
    "format": "celsius",
    "timestamp": "20261123_150000",
    "feels_like": 1,
    "humidity_percent": 78,
    "wind_kmh": 14,
    "precipitation_mm": 0,
    "is_day": True,
    "next_hours": [
        {"hour": 16 + at, "temperature": 4 - at, "conditions": conditions}
        for at, conditions in enumerate(
            ("partly_cloudy", "overcast", "drizzle", "rain", "rain", "snow", "mostly_clear", "clear")
        )
    ],
}
_LISBON = {
    "place": {"name": "Lisbon", "region": "Lisbon", "country": "Portugal"},
    "day": "2026-11-24",
    "weekday": "tuesday",
    "conditions": "rain_showers",
    "temperature_high": 17,
    "temperature_low": 11,
    "precipitation_probability_percent": 70,
    "precipitation_mm": 6.2,
    "wind_kmh": 22,
    "format": "celsius",
}
_BOOKED = {
    "speak": "Your table is booked.",
    "card": {
        "title": "Table booked",
        "value": "Friday, December 4, 7:30 PM",
        "rows": [["People", "2"], ["Name", "Rossi"], ["Reference", "K7M2"]],
    },
}
_PERSON = {"type": "call-back", "name": "front-desk", "number": "+46850000000", "url": "https://example.com/call-me"}


@dataclass(frozen=True, slots=True)
class Look:
    """Conditions of a page: window, colours, zoom."""

    size: tuple[int, int] = (1100, 760)
    scheme: str = "light"
    forced: bool = False
    contrast: bool = False
    rules: axe.Rules = axe.ALL

    async def put_on(self, page: Page) -> None:
        """Apply them to the page."""
        width, height = self.size
        await page.set_viewport_size(ViewportSize(width=width, height=height))
        await page.emulate_media(
            color_scheme="dark" if self.scheme == "dark" else "light",
            forced_colors="active" if self.forced else "none",
            contrast="more" if self.contrast else "no-preference",
            reduced_motion="reduce",
        )
        await page.evaluate("() => document.querySelector('.conversation')?.scrollTo(0, 1e6)")  # scrolled to its end


PICTURED: Mapping[str, Look] = MappingProxyType(
    {
        "light": Look(),
        "dark": Look(scheme="dark", rules=axe.COLOURS),
        "phone": Look((390, 844), rules=axe.SHAPE),
        "landscape": Look((844, 390), "dark", rules=axe.SHAPE),
        "forced": Look(forced=True, rules=axe.COLOURS),
    }
)
"""Conditions of the pictures. A phone in landscape is dark, so that both sizes of phone and both colours appear.
Forced colours are what Windows' contrast themes make of the page.
"""
CHECKED: Mapping[str, Look] = MappingProxyType(
    {
        **PICTURED,
        "narrow": Look((320, 640), rules=axe.SHAPE),
        "zoomed": Look((640, 400), rules=axe.SHAPE),
        "contrast": Look(scheme="dark", contrast=True, rules=axe.COLOURS),
    }
)
"""Additional conditions for axe: 320 px (WCAG 1.4.10), 1280 px at 200 %, and more contrast."""


@dataclass
class Scene:
    """A page whose agent follows a script."""

    page: Page
    base_url: str
    starts: list[str] = field(default_factory=list)

    async def open(self, query: str = "") -> None:
        """Load the page anew."""
        await self.page.goto(f"{self.base_url}/{query}")

    async def tell(self, kind: str, **data: object) -> None:
        """Let the agent report something."""
        await self.page.evaluate("([kind, data]) => scripted.tell(kind, data)", [kind, data])

    async def line(self, *, steady: bool) -> None:
        """Break the connection as a lost network does, or restore it."""
        if steady:
            await self.page.unroute("**/health")
        else:
            await self.page.route("**/health", lambda route: route.abort())
        await self.page.evaluate("(steady) => scripted.line(steady)", steady)

    async def say(self, segment: int, text: str, status: str = "completed") -> None:
        """Let the agent speak a sentence: `pending`, `in-progress` or `completed`."""
        await self.tell("bot-output", text=text, segment_id=segment, spoken_status=status, will_be_spoken=True)

    async def hear(self, text: str) -> None:
        """Let the agent understand a sentence of the visitor."""
        await self.tell("user-transcription", text=text, final=True, timestamp="", user_id="")

    async def ask_weather(self, call: str, place: str) -> None:
        """Let the agent begin a weather lookup."""
        await self.tell(
            "llm-function-call-in-progress",
            function_name="get_current_weather",
            tool_call_id=call,
            arguments={"location": place},
        )

    async def tell_weather(self, call: str, result: Mapping[str, Any]) -> None:
        """Let the lookup return."""
        await self.tell("llm-function-call-stopped", tool_call_id=call, cancelled=False, result=dict(result))

    def button(self, name: str) -> Locator:
        """Find a button by its name."""
        return self.page.get_by_role("button", name=name, exact=True)

    async def press(self, name: str) -> None:
        """Press a button."""
        await self.button(name).click()

    async def does(self, words: str) -> None:
        """Wait until the page shows this status of the agent."""
        await self.page.locator(".stage__words", has_text=words).wait_for()

    async def asked(self) -> list[str]:
        """Return the typed words that were sent to the agent."""
        sent = await self.page.evaluate("() => scripted.sent.filter(({ type }) => type === 'send-text')")
        return [one["data"]["content"] for one in sent]

    async def announced(self) -> list[str]:
        """Return what the conversation announces to screen readers: the label or the words of each live region."""
        regions = self.page.locator(".stage [aria-live=polite], [role=log][aria-live=polite]")
        return [await one.get_attribute("aria-label") or await one.text_content() or "" for one in await regions.all()]

    async def talk(self) -> None:
        """Start a conversation with a microphone."""
        await self.page.context.grant_permissions(["microphone"])
        await self.press("Talk")
        await self.does("Listening")


async def scene(context: BrowserContext, base_url: str) -> Scene:
    """Make a scripted page; it has not loaded anything yet."""
    page = await context.new_page()
    await page.add_init_script(path=_PEER)

    async def answer(route: Route) -> None:
        await route.fulfill(json={"sdp": "v=0", "type": "answer", "pc_id": "scripted"})

    await page.route("**/api/offer", answer)
    return Scene(page, base_url)


async def before(scene: Scene) -> AsyncIterator[str]:
    """Go through the states up to the microphone."""
    await scene.open()
    yield "welcome"
    await scene.press("Talk")
    yield "permission"
    await scene.open("?microphone=NotAllowedError")
    await scene.press("Talk")
    await scene.press("Continue")
    await scene.page.get_by_role("alert").wait_for()
    yield "denied"
    await scene.open("?microphone=asked")
    await scene.press("Talk")
    await scene.press("Continue")
    await scene.does("Waiting")
    yield "microphone"


async def spoken(scene: Scene) -> AsyncIterator[str]:
    """Go through a spoken conversation, from the greeting to the end."""
    await scene.open()
    await scene.talk()
    await scene.tell("bot-started-speaking")
    await scene.say(1, _HELLO, "in-progress")
    yield "greeting"
    await scene.say(1, _HELLO)
    await scene.tell("bot-stopped-speaking")
    yield "listening"
    await scene.tell("user-started-speaking")
    yield "hearing"
    await scene.tell("user-stopped-speaking")
    await scene.hear("What is the weather in Stockholm?")
    yield "thinking"
    await scene.ask_weather("a", "Stockholm")
    yield "tool"
    await scene.tell_weather("a", _STOCKHOLM)
    yield "card"
    await scene.tell("bot-started-speaking")
    await scene.say(2, "Right now in Stockholm it is 4 degrees and partly cloudy.")
    await scene.say(3, "With the wind it feels more like 1 degree.", "in-progress")
    await scene.say(4, "Later tonight some rain may turn into snow.", "pending")
    yield "speaking"
    await scene.tell("user-started-speaking")
    await scene.tell("user-stopped-speaking")
    await scene.hear("And what will it be in Lisbon tomorrow?")
    yield "interrupted"
    await scene.line(steady=False)
    await scene.does("Reconnecting")
    yield "reconnecting"
    await scene.line(steady=True)
    await scene.page.locator(".stage__words", has_text="Reconnecting").wait_for(state="hidden")
    await scene.press("Mute the microphone")
    yield "muted"
    await scene.press("End the conversation")
    await scene.does("Ended")
    yield "ended"
    await scene.page.route("**/rating", lambda route: route.fulfill(status=204))
    await scene.press("Not good")
    await scene.page.get_by_label("Anything to add?").fill("It was too fast.")
    yield "rated"
    await scene.press("Send comment")
    await scene.button("Send comment").wait_for(state="hidden")
    yield "commented"


async def typed(scene: Scene) -> AsyncIterator[str]:
    """Go through a typed conversation: type, look at the settings, ask for a person, lose the connection."""
    await scene.open()
    await scene.press("Type")
    await scene.does("Ready")
    await scene.say(1, _HELLO)
    field = scene.page.get_by_label("Type to the agent")
    await field.fill("Will it rain in Lisbon tomorrow?")
    await field.press("Enter")
    await scene.ask_weather("b", "Lisbon")
    await scene.tell_weather("b", _LISBON)
    await scene.tell("bot-started-speaking")
    await scene.say(2, "Tomorrow in Lisbon expect rain showers, between 11 and 17 degrees.")
    await scene.tell("bot-stopped-speaking")
    yield "typed"
    await scene.ask_weather("c", "Atlantis")
    await scene.tell_weather("c", {"error": "location_not_found"})
    await scene.say(3, "I do not know a place of that name.")
    await scene.tell("bot-started-speaking")
    await scene.tell("bot-stopped-speaking")
    yield "not-found"
    await scene.tell("user-transcription", text="I want to talk to a human", final=True, timestamp="", user_id="")
    await scene.tell("server-message", **_PERSON)
    await scene.tell("bot-started-speaking")
    await scene.say(5, "You can see on the page how to reach a person.")
    yield "person"
    await scene.press(SETTINGS)
    await scene.page.get_by_role("dialog").wait_for()
    yield "settings"
    await scene.page.keyboard.press("Escape")
    await scene.page.keyboard.press("Escape")
    await scene.page.get_by_role("dialog").wait_for(state="hidden")
    await scene.press("Sound off")
    yield "sound"
    await scene.page.evaluate("() => scripted.channel.close()")
    await scene.tell("error", error="The agent had to stop.", fatal=True)
    await scene.page.get_by_role("alert").wait_for()
    yield "failed"


async def refused(scene: Scene) -> AsyncIterator[str]:
    """Go through a rejected visit: no free slot, and no service."""

    async def no_place(route: Route) -> None:
        words = "All our lines are busy. Please try again in a few minutes."
        body = json.dumps({"info": words, "busy": True})
        await route.fulfill(status=429, body=body, headers={"Retry-After": "40", "Content-Type": "application/json"})

    await scene.page.route("**/start", no_place)
    await scene.open()
    await scene.press("Type")
    await scene.page.get_by_role("alert").wait_for()
    yield "busy"
    await scene.page.unroute("**/start")
    await scene.page.route("**/start", lambda route: route.abort())
    await scene.open()
    await scene.press("Type")
    await scene.page.get_by_role("alert").wait_for()
    yield "unreachable"


async def another_agent(scene: Scene) -> AsyncIterator[str]:
    """Go through a conversation with an agent that has colours, and no cards of its own."""
    await scene.open("a/restaurant")
    yield "restaurant-welcome"
    await scene.talk()
    await scene.tell("bot-started-speaking")
    await scene.say(1, "Hello, you are talking with the AI assistant of Bella Cucina. How can I help?")
    await scene.tell("bot-stopped-speaking")
    yield "restaurant-listening"
    await scene.hear("I would like to book a table for two on Friday evening")
    await scene.tell(
        "llm-function-call-in-progress", function_name="book_table", tool_call_id="t", arguments={"people": 2}
    )
    await scene.does("One moment")
    yield "restaurant-tool"
    await scene.tell("llm-function-call-stopped", tool_call_id="t", cancelled=False, result=_BOOKED)
    await scene.tell("bot-started-speaking")
    await scene.say(2, "Your table for two is booked for Friday at half past seven.")
    await scene.say(3, "The name is Rossi.", "in-progress")
    yield "restaurant-card"
    await scene.press("End the conversation")
    await scene.does("Ended")
    yield "restaurant-ended"


SETTINGS = "Devices and volume"
"""The button that opens the settings."""

type Flow = Callable[[Scene], AsyncIterator[str]]

FLOWS: tuple[Flow, ...] = (before, spoken, typed, refused, another_agent)
