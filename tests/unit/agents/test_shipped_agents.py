"""The agents that ship are valid, agree with their rehearsals, and follow the prompting guide of Nova 2.5 Sonic."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent_core.agents import folder
from agent_core.agents.agent import Agent
from agent_core.agents.folder import FolderContext
from agent_core.destinations import parse
from agent_core.settings import CoreSettings
from agent_core.tools.registry import ToolRegistry
from voice_agent.rehearse.rehearsals import NO_TOOL, Turn, read_rehearsals

_AGENTS = Path(__file__).parents[3] / "agents"
_IDS = ("clinic", "restaurant", "weather")


def _agent(agent_id: str) -> Agent:
    people = parse("reception=tel:+15550100900")
    return folder.read(_AGENTS / agent_id, FolderContext(CoreSettings(), {}, people))


def _turns(agent_id: str) -> list[Turn]:
    return [turn for one in read_rehearsals(_AGENTS / agent_id) for turn in one.turns]


@pytest.mark.parametrize("agent_id", _IDS)
def test_rehearsals_use_tools_arguments_and_people_that_exist(agent_id: str) -> None:
    """A rehearsal that expects a tool of another name could never pass."""
    agent = _agent(agent_id)
    properties = {tool.spec.name: tool.spec.properties for tool in agent.tools}
    people = {person.name for person in agent.people}
    for turn in _turns(agent_id):
        if turn.expect.tool not in ("", NO_TOOL):
            assert set(turn.expect.arguments) <= set(properties[turn.expect.tool]), turn
        assert not turn.expect.transfer or turn.expect.transfer in people, turn


@pytest.mark.parametrize("agent_id", _IDS)
def test_every_tool_of_a_folder_is_rehearsed(agent_id: str) -> None:
    """Each has at least one conversation that must lead to it."""
    agent = _agent(agent_id)
    used = {name for turn in _turns(agent_id) for name in (turn.expect.tool, *turn.expect.before)}
    assert {tool.spec.name for tool in agent.tools} <= used


@pytest.mark.parametrize("agent_id", _IDS)
def test_the_instructions_follow_the_guide(agent_id: str) -> None:
    """They say what to do: what is forbidden may be spoken, and so may empty brackets and thinking."""
    text = _agent(agent_id).instructions
    words = text.lower().replace(".", " ").replace(",", " ").split()
    assert not {"never", "ignore", "don't"} & set(words)
    assert "()" not in text
    assert "<thinking>" not in text
    assert len(text) < 4_000


@pytest.mark.parametrize("agent_id", _IDS)
def test_no_schema_refers_to_a_definition(agent_id: str) -> None:
    """The model reads each argument's schema on its own."""
    for tool in _agent(agent_id).tools:
        assert "$ref" not in repr(tool.spec.properties), tool.spec.name
        assert tool.spec.description


def test_no_two_agents_share_a_number_or_a_path() -> None:
    """Exactly one answers at the root of the page."""
    agents = [_agent(agent_id) for agent_id in _IDS]
    numbers = [number for agent in agents for number in agent.file.numbers]
    assert len(set(numbers)) == len(numbers) == len(agents)
    assert sorted(agent.path for agent in agents) == ["/", "/a/clinic", "/a/restaurant"]


def _luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("agent_id", ["clinic", "restaurant"])
def test_the_colors_have_enough_contrast(agent_id: str) -> None:
    """At least 4.5 : 1 (WCAG AA), on white and on the near-black of a dark page."""
    colors = _agent(agent_id).file.page.colors
    assert colors is not None
    assert colors.accent_dark is not None
    assert _contrast(colors.accent, "#ffffff") >= 4.5
    assert _contrast(colors.accent_dark, "#1b1b1f") >= 4.5


async def _used(agent: Agent, settings: dict[str, str], requests: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    async with agent.resources.open(settings) as opened:
        agent.resources.surroundings.resources = opened
        registry = ToolRegistry(agent.tools)
        return [(await registry.call(name, arguments)).value for name, arguments in requests]


async def test_the_restaurant_books_through_the_runtime(tmp_path: Path) -> None:
    """What the model sends is validated and corrected, and what cannot be booked comes with the way on."""
    settings = {"BOOKINGS_FILE": str(tmp_path / "bookings.sqlite")}
    # Not the next one, which may be today, and the evening over.
    today = datetime.now(UTC).date()
    monday = today + timedelta(days=14 - today.weekday())
    offered, group, wrong, missing = await _used(
        _agent("restaurant"),
        settings,
        [
            ("book_table", {"people": 2, "day": monday.isoformat(), "time": "dinner"}),
            ("book_table", {"people": 20, "day": "friday"}),
            ("book_table", {"people": 2, "day": "someday"}),
            ("cancel_booking", {}),
        ],
    )
    # On a holiday it is closed, and says so.
    assert offered["status"] in ("choose_a_time", "closed")
    assert offered["speak"]
    assert (group["error"], "host" in group["next"]) == ("group_too_large", True)
    assert wrong["error"] == "invalid_arguments"
    assert "expected today, tomorrow, a weekday" in wrong["detail"]
    assert missing["error"] == "which_booking"


async def test_the_clinic_books_through_the_runtime(tmp_path: Path) -> None:
    """The visit is one of a list, which the model sees in the schema."""
    settings = {"APPOINTMENTS_FILE": str(tmp_path / "appointments.sqlite")}
    agent = _agent("clinic")
    offered, wrong, missing = await _used(
        agent,
        settings,
        [
            ("find_appointment", {"visit": "check-up"}),
            ("find_appointment", {"visit": "surgery"}),
            ("cancel_appointment", {}),
        ],
    )
    assert len(offered["appointments"]) == 3
    assert wrong["error"] == "invalid_arguments"
    assert missing["error"] == "which_patient"
    schema = next(tool.spec for tool in agent.tools if tool.spec.name == "find_appointment").properties["visit"]
    assert schema["enum"] == ["check-up", "vaccination", "blood test", "skin check", "follow-up"]
