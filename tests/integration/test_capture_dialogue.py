"""A caller gives, corrects and types values: the stand-in's dialogue as the model, the product's tools behind it."""

import asyncio
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from agent_core.agents import folder as folders
from agent_core.agents.agent import Agent
from agent_core.agents.folder import FolderContext
from agent_core.capture.values import Captures
from agent_core.settings import CoreSettings
from agent_core.tools.registry import ToolRegistry
from standins.agents.folder import read_folder
from standins.nova.agent_dialogue.dialogue import AgentDialogue
from standins.nova.backend import DeclaredTool
from standins.nova.steps import Say, UseTool

CLUB = Path(__file__).parents[1] / "fixtures/capturing/club"


class Call:
    """One conversation with the club.

    Args:
        agent: The club.
        has_keypad: Whether the caller has a telephone.
    """

    def __init__(self, agent: Agent, *, has_keypad: bool = True) -> None:
        self.keys: list[bool] = []
        self.captures = Captures(
            agent.reader,
            agent.sentences,
            lambda: date(2026, 11, 30),
            has_keypad=has_keypad,
            want_keys=self.keys.append,
        )
        self.tools = ToolRegistry(agent.tools, conversation=self)
        declared = [
            DeclaredTool(spec.name, {"type": "object", "properties": spec.properties, "required": spec.required})
            for spec in self.tools.specs
        ]
        self.dialogue = AgentDialogue(read_folder(CLUB), tools=declared, history=())
        self.used: list[str] = []

    async def say(self, text: str) -> str:
        """Say something; return what the agent says after all its tools."""
        self.tools.new_turn()
        self.captures.new_turn()
        return await self._play(list(self.dialogue.heard(text)))

    async def _play(self, steps: list[Any]) -> str:
        said: list[str] = []
        while steps:
            step = steps.pop(0)
            if isinstance(step, Say):
                said.append(step.text)
                continue
            use = cast("UseTool", step)
            self.used.append(use.name)
            assert len(self.used) < 30, "the dialogue calls tools without an end"
            result = await self.tools.call(use.name, use.arguments)
            steps = [*self.dialogue.tool_result(use.name, use.arguments, result.value), *steps]
        return " ".join(said)

    async def type(self, keys: str) -> str:
        """Type a value, as the session reports it to the model."""
        taken = self.captures.typed(keys)
        assert taken is not None
        words = f"The caller has typed a value on the telephone keypad. Its handle is {taken['handle']}. "
        return await self._play(
            list(self.dialogue.heard(f'{words}Say to the caller exactly this sentence: "{taken["speak"]}"'))
        )


@pytest.fixture
def club() -> Iterator[tuple[Agent, list[tuple[str, str]]]]:
    """Return the agent, and what its tools receive."""
    settings = CoreSettings()
    agent = folders.read(CLUB, FolderContext(settings, {}))
    received = next(tool._function for tool in agent.tools if tool.spec.name == "register_member").__globals__[
        "RECEIVED"
    ]
    received.clear()
    yield agent, received
    received.clear()


async def _talk(call: Call, *lines: str) -> list[str]:
    return [await call.say(line) for line in lines]


async def test_a_caller_gives_an_address(club: tuple[Agent, list[tuple[str, str]]]) -> None:
    """Asked, captured, read back, confirmed, passed on."""
    agent, received = club
    call = Call(agent)
    said = await _talk(call, "I would like to become a member", "jane dot doe at example dot com", "yes that is right")
    assert said == [
        "Please tell me: your e-mail address.",
        "I have j a n e dot d o e, at example dot com. Is that right?",
        "You are a member now.",
    ]
    assert received == [("register_member", "jane.doe@example.com")]


async def test_a_caller_corrects_an_address_before_and_after_it_is_used(
    club: tuple[Agent, list[tuple[str, str]]],
) -> None:
    """A correction is read back like the first value, and the tool is called again with it."""
    agent, received = club
    call = Call(agent)
    await _talk(call, "I would like to become a member", "jane dot dow at example dot com", "no it is d o e", "yes")
    assert received == [("register_member", "jane.doe@example.com")]
    await _talk(call, "no it is d e e", "yes")
    assert received[1:] == [("register_member", "jane.dee@example.com")]


async def test_a_caller_who_is_not_understood_spells_and_types(club: tuple[Agent, list[tuple[str, str]]]) -> None:
    """First digit by digit, then by keypad; the typed value is read back too."""
    agent, received = club
    call = Call(agent)
    said = await _talk(call, "please change my phone number", "it is on the card", "five five")
    assert said[1:] == [
        "Sorry, I did not get that. Please spell it for me, one character at a time.",
        "Please type it on your keypad, then press the hash key.",
    ]
    assert call.keys == [True]
    assert await call.type("2025550123") == "I have plus 1, 2 0 2, 5 5 5, 0 1 2 3. Is that right?"
    assert await call.say("yes") == "The number is changed."
    assert received == [("change_phone", "+12025550123")]


async def test_a_visitor_writes_what_was_not_understood(club: tuple[Agent, list[tuple[str, str]]]) -> None:
    """The page has a text field; what is written there is exact."""
    agent, received = club
    call = Call(agent, has_keypad=False)
    said = await _talk(
        call, "I would like to become a member", "well you know it", "jay dee", "jane.doe@example.com", "yes"
    )
    assert said[2] == "Please type it into the text field."
    assert received == [("register_member", "jane.doe@example.com")]


async def test_a_renewed_dialogue_knows_that_a_value_is_being_checked(
    club: tuple[Agent, list[tuple[str, str]]],
) -> None:
    """Its history has no results, and the handle continues to name the value."""
    agent, received = club
    call = Call(agent)
    await _talk(call, "I would like to become a member", "jane dot doe at example dot com")
    declared = [
        DeclaredTool(spec.name, {"type": "object", "properties": spec.properties, "required": spec.required})
        for spec in call.tools.specs
    ]
    history = [("USER", "I would like to become a member"), ("ASSISTANT", "Your address?")]
    history += [("USER", "jane dot doe at example dot com"), ("ASSISTANT", "Is that right?")]
    call.dialogue = AgentDialogue(read_folder(CLUB), tools=declared, history=history)
    await asyncio.sleep(0)
    assert await call.say("yes") == "You are a member now."
    assert received == [("register_member", "jane.doe@example.com")]
