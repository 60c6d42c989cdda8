"""The tools of the agents in tests/fixtures/agents as a prompt declares them, and conversations with these agents."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from standins.agents.catalogue import Catalogue
from standins.agents.folder import AgentFolder
from standins.nova.agent_dialogue.dialogue import AgentDialogue
from standins.nova.backend import DeclaredTool
from standins.nova.steps import Say, UseTool

AGENTS = Path(__file__).parents[1] / "fixtures" / "agents"
MONDAY = dt.date(2026, 11, 30)

_TEXT = {"type": "string"}
_PEOPLE = {"type": "integer", "description": "How many people, children included"}
_DAY = {"type": "string", "description": "Day as the caller said it: today, tomorrow, or a weekday such as friday"}
_TIME = {"type": "string", "description": "Time as HH:MM, or the part of the day: morning, afternoon, evening"}
_NAME = {"type": "string", "description": "Name for the booking"}
_EARLIER = {"type": "string", "description": "Name of a table booked in an earlier call; otherwise leave it out"}
_TREATMENT = {
    "type": "string",
    "enum": ["check-up", "cleaning", "filling", "whitening", "root canal"],
    "description": "Which treatment",
}


def declared(tool: str, required: Sequence[str], /, **properties: object) -> DeclaredTool:
    """Return a tool as a prompt declares it."""
    return DeclaredTool(tool, {"type": "object", "properties": properties, "required": list(required)})


BUILT_IN = (
    declared("end_call", ["reason"], reason=_TEXT),
    declared(
        "transfer_to_human",
        ["destination", "reason"],
        destination={"type": "string", "enum": ["host", "owner"]},
        reason=_TEXT,
    ),
)
TOOLS: Mapping[str, tuple[DeclaredTool, ...]] = {
    "trattoria": (
        declared("book_table", ["people", "day"], people=_PEOPLE, day=_DAY, time=_TIME, name=_NAME),
        declared("change_booking", [], people=_PEOPLE, day=_DAY, time=_TIME, name=_NAME, booked_name=_EARLIER),
        declared("cancel_booking", [], booked_name=_EARLIER, day=_DAY),
    ),
    "dentist": (
        declared("book_appointment", ["treatment", "day"], treatment=_TREATMENT, day=_DAY, time=_TIME, name=_NAME),
        declared("move_appointment", ["day"], day=_DAY, time=_TIME),
        declared("cancel_appointment", [], day=_DAY),
        declared("price_of", ["treatment"], treatment=_TREATMENT),
    ),
    "garage": (
        declared(
            "book_service", ["service", "day"], service={**_TEXT, "description": "What to do"}, day=_DAY, time=_TIME
        ),
        declared("repair_status", ["order"], order={"type": "integer", "description": "Number of the order"}),
        declared("send_tow_truck", [], place={**_TEXT, "description": "Where the car is"}),
    ),
    "boulangerie": (
        declared("order_bread", ["count"], count={"type": "integer", "description": "Nombre de pains"}, day=_TEXT),
    ),
}


@cache
def folder(name: str) -> AgentFolder:
    """Return an agent of the fixtures."""
    catalogue = Catalogue(AGENTS)
    catalogue.refresh()
    return next(agent for agent in catalogue.agents if agent.id == name)


type Result = object | Callable[[dict[str, Any]], object]


@dataclass
class Conversation:
    """A conversation in text with an agent of the fixtures; `results` has what each tool returns."""

    agent: str
    results: Mapping[str, Result] = field(default_factory=dict)
    history: Sequence[tuple[str, str]] = ()
    more: Sequence[DeclaredTool] = BUILT_IN

    def __post_init__(self) -> None:
        """Start it on a Monday."""
        tools = [*TOOLS.get(self.agent, ()), *self.more]
        known = folder(self.agent) if self.agent in TOOLS else None
        self.dialogue = AgentDialogue(known, tools=tools, history=self.history, today=lambda: MONDAY)
        self.used: list[UseTool] = []

    def say(self, text: str) -> str:
        """Say something; return the reply after all tools. `used` has the tools of this turn."""
        steps, said, self.used = list(self.dialogue.heard(text)), [], []
        while steps:
            step = steps.pop(0)
            if isinstance(step, Say):
                said.append(step.text)
                continue
            self.used.append(step)
            assert len(self.used) < 5, "the dialogue calls tools without an end"
            result = self.results.get(step.name, {"status": "done", **step.arguments})
            known = result(step.arguments) if callable(result) else result
            steps = [*self.dialogue.tool_result(step.name, step.arguments, known), *steps]
        return " ".join(said)

    @property
    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        """Name and arguments of the tools of the last turn."""
        return [(use.name, use.arguments) for use in self.used]
