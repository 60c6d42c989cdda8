"""What an agent says about its page is on its page, and on no other."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from agent_core.agents.catalogue import AgentCatalogue
from tests.support.given_agents import RESTAURANT_PAGE, given, made
from webrtc_agent import page
from webrtc_agent.error_responses import answer_http_error

CLIENT = Path(page.__file__).parents[2] / "client"
TRICKY = 'Tom & "Jerry" </script><script>alert(1)</script><!-- \u2028 {} \\'


def client(agents: AgentCatalogue | None = None, folder: Path = CLIENT) -> httpx.AsyncClient:
    """Serve the pages of these agents, as they are before the build."""
    app, agents = FastAPI(), agents or given()
    app.state.agent = SimpleNamespace(agents=agents)
    app.add_exception_handler(HTTPException, answer_http_error)
    page.install(app, agents, folder, console=True, phone=None)
    return httpx.AsyncClient(base_url="http://page", transport=httpx.ASGITransport(app))


def described(html: str) -> dict[str, Any]:
    """Return the description in a page, found as a browser finds it: up to the first end tag."""
    (found,) = re.findall(r'<script type="application/json" id="agent">(.*?)</script', html, re.DOTALL)
    content: dict[str, Any] = json.loads(found)
    return content


async def test_each_path_has_the_page_of_its_agent() -> None:
    """The description, the title and the links are those of the agent whose path was requested."""
    async with client() as http:
        home, other, same = [(await http.get(path)).text for path in ("/", "/a/restaurant", "/a/weather")]
        console = (await http.get("/console?agent=restaurant")).text
    assert described(other) == {
        "id": "restaurant",
        "name": "Bella Cucina",
        "title": "Bella Cucina",
        "welcome": "Book a table, change it or cancel it.",
        "placeholder": "Type to the restaurant",
        "questions": ["I would like to book a table for two on Friday evening", "What are your opening hours?"],
        "colors": {"accent": "#b3261e", "accent_dark": "#ffb4ab"},
        "language": "en-US",
        "texts": {},
        "incomplete": "This page could not be loaded completely. Please reload it in a minute.",
    }
    assert described(home)["id"] == "weather"
    assert same == home
    assert described(console)["id"] == "restaurant"
    assert ("<body data-plain>" in other, "<body>" in home) == (True, True)
    assert "<title>Bella Cucina</title>" in other
    assert 'content="Book a table, change it or cancel it."' in other
    assert 'href="/manifest.webmanifest?agent=restaurant"' in other
    assert 'href="/favicon.svg?agent=restaurant"' in other


async def test_no_text_of_an_agent_can_end_its_place() -> None:
    """Whatever an agent's texts contain, the page parses as before and its description is what they say."""
    agent = made("restaurant", name=TRICKY[:60], page={"title": TRICKY, "welcome": TRICKY, "questions": [TRICKY]})
    async with client(given(agent)) as http:
        html = (await http.get("/")).text
        manifest = (await http.get("/manifest.webmanifest")).json()
        offline = (await http.get("/offline")).text
    plain = (CLIENT / "index.html").read_text()
    assert html.count("<script") == plain.count("<script")
    assert "alert(1)</script>" not in html + offline
    assert described(html)["questions"] == [TRICKY]
    assert manifest["name"] == manifest["description"] == TRICKY


async def test_a_path_without_an_agent_names_those_that_exist() -> None:
    """An unknown agent is a 404 that lists the known ones and does not repeat what was requested."""
    async with client() as http:
        answers = [await http.get(path) for path in ("/a/%3Cb%3E", "/manifest.webmanifest?agent=nobody")]
        shown = await http.get("/a/nobody", headers={"accept": "text/html"})
    for answer in answers:
        assert answer.status_code == 404
        assert answer.json()["info"] == "There is no agent of that name here. The agents are: restaurant, weather."
    assert shown.status_code == 404
    assert "The agents are: restaurant, weather." in shown.text
    assert "nobody" not in shown.text


async def test_a_changed_text_is_a_changed_page() -> None:
    """The tag follows the description, so that a browser that asks again gets the new texts, compressed or not."""
    tags = set()
    for welcome in ("One.", "Two."):
        agent = made("restaurant", name="Bella Cucina", page=RESTAURANT_PAGE | {"welcome": welcome})
        async with client(given(agent)) as http:
            answer = await http.get("/a/restaurant", headers={"accept-encoding": "gzip"})
            again = await http.get(
                "/a/restaurant", headers={"accept-encoding": "gzip", "if-none-match": answer.headers["etag"]}
            )
        assert answer.headers["content-encoding"] == "gzip"
        assert described(answer.text)["welcome"] == welcome
        assert again.status_code == 304
        tags.add(answer.headers["etag"])
    assert len(tags) == 2


async def test_an_installed_page_is_an_app_of_its_agent() -> None:
    """Manifest and icons have the agent's name, path and colour; without a colour they have the page's own."""
    async with client(folder=CLIENT / "public") as http:
        other = (await http.get("/manifest.webmanifest?agent=restaurant")).json()
        home = (await http.get("/manifest.webmanifest")).json()
        icons = [(await http.get(icon["src"])).text for icon in (*other["icons"], *home["icons"])]
    assert (other["name"], other["id"], other["start_url"], other["scope"]) == ("Bella Cucina", *["/a/restaurant"] * 3)
    assert (home["name"], home["start_url"]) == ("Weather by voice", "/")
    assert other["background_color"] != home["background_color"]
    assert ["#b3261e" in icon for icon in icons] == [True, True, False, False]
    assert ["#1d5fd0" in icon for icon in icons] == [False, False, True, True]


async def test_an_agent_that_says_nothing_has_a_page() -> None:
    """Without page texts, the title is the agent's name, and the page has words of its own for the rest."""
    async with client(given(made("quiet", name="Quiet", description="Says little."))) as http:
        html = (await http.get("/")).text
        icon = await http.get("/favicon.svg")
    assert described(html) == {
        "id": "quiet",
        "name": "Quiet",
        "title": "Quiet",
        "welcome": None,
        "placeholder": None,
        "questions": [],
        "colors": None,
        "language": "en-US",
        "texts": {},
        "incomplete": "This page could not be loaded completely. Please reload it in a minute.",
    }
    assert 'content="Says little."' in html
    assert icon.status_code == 404  # not in this folder; the build puts it there
