"""Put what an agent says about its page into the HTML, the web app manifest and the icons. No I/O."""

import gzip
import json
import re
from functools import lru_cache
from hashlib import sha256
from html import escape
from typing import Any, Final

from agent_core.agents.agent import Agent
from agent_core.agents.catalogue import AgentCatalogue
from agent_core.sentence import Sentence
from webrtc_agent.files import File

_DESCRIPTION: Final = '<script type="application/json" id="agent">{}</script>'
"""What the build has in the place of the description. A data block: no policy about scripts concerns it."""
_TITLE: Final = "<title>Voice agent</title>"
_ABOUT: Final = 'content="Talk with a voice agent."'
_BODY: Final = "<body>"
_LANGUAGE: Final = '<html lang="en">'
_NO_SCRIPT: Final = "This page talks with you through your browser's microphone and needs JavaScript."
_LINKS: Final = ("/manifest.webmanifest", "/favicon.svg")
_ACCENT: Final = "#1d5fd0"
"""The page's own accent, in its icons."""
_GROUND: Final = "#dcebfa"
"""Background of a starting app, if the agent has no colours: the top of the light page."""
_TINT: Final = 0.11
"""Share of the accent in that background, as in the page's own `palette.ts`."""
_ESCAPES: Final = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
_MIN_BYTES: Final = 1000
"""Smaller files are sent as they are, like those of the build."""
_MOST: Final = 128
"""Most rendered pages remembered, 3 KB each: one for each agent, page and version of the build."""


def no_such_agent(agents: AgentCatalogue) -> str:
    """Return the sentence for a client that named an agent which does not exist; the name is not repeated."""
    return (
        f"There is no agent of that name here. The agents are: {', '.join(sorted(agent.id for agent in agents.all))}."
    )


def describe(agent: Agent) -> dict[str, Any]:
    """Return the page description: what the page's scripts know about the agent."""
    page = agent.file.page
    return {
        "id": agent.id,
        "name": agent.name,
        "title": title(agent),
        # The page has words of its own for what is null.
        "welcome": page.welcome,
        "placeholder": page.placeholder,
        "questions": list(page.questions),
        "colors": None if page.colors is None else page.colors.model_dump(exclude_none=True),
        "language": agent.language,
        "texts": dict(page.texts),
        # For recover.js, which has no texts of its own in other languages.
        "incomplete": agent.sentences[Sentence.PAGE_INCOMPLETE],
    }


def title(agent: Agent) -> str:
    """Return the title of an agent's page."""
    return agent.file.page.title or agent.name


def _about(agent: Agent) -> str:
    return agent.file.page.welcome or agent.file.description or agent.name


def describe_in(file: File, agent: Agent, *, speaks: bool = True) -> File:
    """Return a page of the build with an agent's description, title and icon in it.

    Args:
        file: The page.
        agent: Whose page it is.
        speaks: Whether the page's own texts are in the agent's language; the developers' page is in English.
    """
    description = json.dumps(describe(agent)).translate(_ESCAPES)
    replaced = {
        _DESCRIPTION: _DESCRIPTION.replace("{}", description),
        _TITLE: f"<title>{escape(title(agent))}</title>",
        _ABOUT: f'content="{escape(_about(agent))}"',
        # Plain until the script has made the agent's colours; see base.css.
        _BODY: "<body data-plain>" if agent.file.page.colors else _BODY,
        _NO_SCRIPT: escape(agent.sentences[Sentence.PAGE_NO_SCRIPT]),
        _LANGUAGE: f'<html lang="{agent.language}">' if speaks else _LANGUAGE,
    } | {f'href="{link}"': f'href="{link}?agent={agent.id}"' for link in _LINKS}
    body, packed = _rendered(file.bodies["identity"], tuple(replaced.items()))
    bodies = {"identity": body} | ({"gzip": packed} if packed else {})
    return File(file.media_type, sha256(body).hexdigest()[:20], bodies, file.stamp)


@lru_cache(_MOST)
def _rendered(built: bytes, replaced: tuple[tuple[str, str], ...]) -> tuple[bytes, bytes]:
    """Return the page, and the same compressed; the second is empty if compressing is not worth it."""
    texts = dict(replaced)
    # One pass, so that no text of an agent can be taken for a place of another.
    places = re.compile("|".join(map(re.escape, texts)))
    body = places.sub(lambda found: texts[found[0]], built.decode()).encode()
    # 3 KB take less than a millisecond, once for each agent.
    return body, gzip.compress(body, 9, mtime=0) if len(body) >= _MIN_BYTES else b""


def manifest(agent: Agent) -> dict[str, Any]:
    """Return the web app manifest (https://www.w3.org/TR/appmanifest/) of an agent's page."""
    ground = _ground(agent)
    icons = (("favicon.svg", "any"), ("maskable.svg", "maskable"))
    return {
        "name": title(agent),
        "short_name": agent.name,
        "description": _about(agent),
        "lang": agent.language,
        # Two agents are two apps.
        "id": agent.path,
        "start_url": agent.path,
        "scope": agent.path,
        "display": "standalone",
        "background_color": ground,
        "theme_color": ground,
        "icons": [
            {"src": f"/{name}?agent={agent.id}", "sizes": "any", "type": "image/svg+xml", "purpose": purpose}
            for name, purpose in icons
        ],
    }


def tint(icon: bytes, agent: Agent) -> bytes:
    """Return one of the page's icons in the agent's accent colour."""
    accent = _accent(agent)
    return icon if accent is None else icon.replace(_ACCENT.encode(), accent.encode())


def _accent(agent: Agent) -> str | None:
    colors = agent.file.page.colors
    return None if colors is None else colors.accent


def _ground(agent: Agent) -> str:
    accent = _accent(agent)
    if accent is None:
        return _GROUND
    parts = [int(accent[at : at + 2], 16) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(255 + (part - 255) * _TINT):02x}" for part in parts)
