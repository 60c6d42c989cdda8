"""Agents of a web service, without folders."""

from typing import Any, Final

from agent_core.agents.agent import Agent
from agent_core.agents.agent_file import AgentFile
from agent_core.agents.catalogue import AgentCatalogue


def made(agent: str, **file: object) -> Agent:
    """Return an agent whose `agent.yaml` has this content."""
    return Agent(agent, "0" * 12, AgentFile.model_validate(file))


RESTAURANT_PAGE: Final[dict[str, Any]] = {
    "welcome": "Book a table, change it or cancel it.",
    "placeholder": "Type to the restaurant",
    "questions": ["I would like to book a table for two on Friday evening", "What are your opening hours?"],
    "colors": {"accent": "#b3261e", "accent_dark": "#ffb4ab"},
}
RESTAURANT: Final = made("restaurant", name="Bella Cucina", page=RESTAURANT_PAGE)
WEATHER: Final = made(
    "weather",
    name="Weather Line",
    page={
        "path": "/",
        "title": "Weather by voice",
        "welcome": "Ask about the weather.",
        "placeholder": "Type your question",
        "questions": [
            "What is the weather in Stockholm?",
            "Will it rain in Lisbon tomorrow?",
            "How cold will it be in Oslo at nine?",
        ],
    },
)


def given(*agents: Agent) -> AgentCatalogue:
    """Return a catalogue of these agents; of both above if none is given."""
    return AgentCatalogue(agents or (WEATHER, RESTAURANT))
