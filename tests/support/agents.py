"""Make agents for tests: of tools that the test supplies, or the shipped weather agent with another source."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from agent_core.agents.agent import Agent
from agent_core.agents.catalogue import AgentCatalogue
from agent_core.agents.stages import Stage
from agent_core.agents.toolkit import make_tool
from agent_core.destinations import Destination
from agent_core.tools.call import Call, ToolSurroundings
from agent_core.tools.registry import Tool
from agents.weather import tools
from agents.weather.weather_report import WeatherSource


def one_agent(
    with_tools: Sequence[Tool] = (),
    people: tuple[Destination, ...] = (),
    stages: Mapping[str, Stage] = MappingProxyType({}),
) -> AgentCatalogue:
    """Return a catalogue of one agent without a folder."""
    return AgentCatalogue.of(Agent.of_tools(with_tools, people=people, stages=stages))


def weather_tools(source: WeatherSource) -> list[Tool]:
    """Return the weather agent's tools with a source of the test."""
    surroundings = ToolSurroundings("weather", "en-US", UTC, resources=source)
    return [make_tool(function, surroundings) for function in (tools.get_current_weather, tools.get_weather_forecast)]


def tool_call(
    agent: str, resources: object, now: datetime, *, key: str = "1", session: str = "s", **facts: str
) -> Call:
    """Return the call that a tool receives."""
    return Call(
        agent=agent,
        session_id=session,
        key=key,
        language="en-US",
        region="US",
        now=now,
        settings={},
        resources=resources,
        facts=facts,
    )
