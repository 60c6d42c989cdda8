"""Lets a local language model decide instead of the rehearsals: any server with OpenAI's chat completions."""

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from pydantic import BaseModel, ConfigDict

from standins.agents.language import language as language_of
from standins.nova import instructions
from standins.nova.agent_dialogue.small_talk import wish
from standins.nova.backend import DeclaredTool, DialogueBackend, MakeDialogue, Step
from standins.nova.event_log import note
from standins.nova.instructions import InstructionKind
from standins.nova.results import unwrapped
from standins.nova.small_talk import SmallTalk
from standins.nova.steps import Say, UseTool

DEADLINE_SECONDS: Final = 20.0
"""For one decision. A caller hangs up on a longer silence."""
_MOST_CALLS: Final = 8
"""Tool calls in a row without a sentence; a model that makes more is stuck."""
_LONGEST_REPLY: Final = 1_000
"""Characters: a minute of speech."""
_MOST_MESSAGES: Final = 200
_INTERRUPTED: Final = json.dumps({"error": "interrupted"})


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Function(_Answer):
    name: str
    arguments: str = "{}"


class _ToolCall(_Answer):
    id: str = ""
    function: _Function


class _Message(_Answer):
    content: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(_Answer):
    message: _Message


class _Completion(_Answer):
    choices: list[_Choice]


class Brain:
    """A client of one server.

    Args:
        url: Its base URL, such as "http://127.0.0.1:11434/v1".
        model: Name of the model; servers with a single model ignore it.
    """

    def __init__(self, url: str, model: str = "default") -> None:
        self.url = url.rstrip("/")
        self._model = model

    async def complete(self, messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]]) -> _Message:
        """Return the next message.

        Raises:
            httpx.HTTPError: The server cannot be reached, or answers with an error.
            TimeoutError: It takes too long.
            ValueError: Its answer is not a chat completion.
        """
        body: dict[str, Any] = {"model": self._model, "messages": list(messages), "stream": False}
        if tools:
            body["tools"] = list(tools)
        # No proxy: the server is on this machine. The client's timeout is for each read, ours for the whole answer.
        async with (
            asyncio.timeout(DEADLINE_SECONDS),
            httpx.AsyncClient(timeout=DEADLINE_SECONDS, trust_env=False) as client,
        ):
            response = await client.post(f"{self.url}/chat/completions", json=body)
        response.raise_for_status()
        found = _Completion.model_validate_json(response.content)
        if not found.choices:
            raise ValueError("no choices")
        return found.choices[0].message


@dataclass(frozen=True)
class _Decision:
    """A step that the server decides."""

    dialogue: "BrainDialogue"
    turn: int

    async def decide(self) -> Sequence[Step]:
        """Return the server's sentence or tool calls; one honest sentence if it fails."""
        return await self.dialogue.decide(self.turn)


@dataclass
class BrainDialogue:
    """A conversation that the server decides. Identity and the bridge over a waiting tool stay the stand-in's own."""

    tools: Sequence[DeclaredTool]
    system: str
    history: Sequence[tuple[str, str]]
    brain: Brain
    rehearsed: MakeDialogue
    language: str = "en"
    _messages: list[dict[str, Any]] = field(default_factory=list)
    _turn: int = 0
    _calls: int = 0

    def __post_init__(self) -> None:
        self._own: DialogueBackend = self.rehearsed(tools=self.tools, system=self.system, history=self.history)
        self._messages = [{"role": role.lower(), "content": text} for role, text in self.history]

    def heard(self, text: str) -> Sequence[Step]:
        """Ask the server; what it must not decide is answered at once."""
        direction = instructions.read(text)
        if direction is not None and direction.kind is InstructionKind.LOOKING_UP:
            return self._own.heard(text)
        # Whatever a model says of itself, this is a stand-in and not Nova.
        if not text or (direction is None and wish(text, language_of(self.language)) is SmallTalk.IDENTITY):
            return self._own.heard(text)
        self._turn += 1
        self._calls = 0
        self._close_calls()
        self._messages.append({"role": "user", "content": text})
        return (_Decision(self, self._turn),)

    def tool_result(self, name: str, arguments: dict[str, Any], result: dict[str, Any]) -> Sequence[Step]:
        """Send the server the result; several calls are decided after the last one."""
        waiting = self._unanswered()
        mine = next((call for call in waiting if call["function"]["name"] == name), None)
        if mine is None:
            return self._own.tool_result(name, arguments, result)
        content = json.dumps(unwrapped(result), default=str)
        self._messages.append({"role": "tool", "tool_call_id": mine["id"], "content": content})
        # The result of the goodbye ends the call: there is nothing more to say.
        if name == "end_call" or len(waiting) > 1:
            return ()
        return (_Decision(self, self._turn),)

    async def decide(self, turn: int) -> Sequence[Step]:
        """Ask the server for the next step of a turn."""
        failed = (Say(language_of(self.language).sentences["brain_failed"]),)
        if self._calls >= _MOST_CALLS:
            note("brain_is_stuck", logging.WARNING, calls=self._calls)
            return failed
        system = {"role": "system", "content": self.system}
        try:
            message = await self.brain.complete([system, *self._messages[-_MOST_MESSAGES:]], self._declared())
            steps = self._steps(message)
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            note("brain_failed", logging.WARNING, url=self.brain.url, error=type(error).__name__)
            return failed
        # A barge-in cancels the task, so a stale answer can only come from a turn that is over.
        return steps if turn == self._turn else ()

    def _steps(self, message: _Message) -> Sequence[Step]:
        """Return what to do, and remember the message.

        Raises:
            ValueError: It is empty, or its arguments are not an object.
        """
        said = (message.content or "").strip()[:_LONGEST_REPLY]
        known = {tool.name for tool in self.tools}
        calls = [call for call in message.tool_calls or () if call.function.name in known]
        uses = [UseTool(call.function.name, _object(call.function.arguments)) for call in calls]
        if not said and not uses:
            raise ValueError("neither a sentence nor a known tool")
        self._calls += len(uses)
        remembered: dict[str, Any] = {"role": "assistant", "content": said}
        if calls:
            first = len(self._messages)
            remembered["tool_calls"] = [
                {"id": call.id or f"call_{first}_{at}", "type": "function", "function": call.function.model_dump()}
                for at, call in enumerate(calls)
            ]
        self._messages.append(remembered)
        return [*([Say(said)] if said else []), *uses]

    def _declared(self) -> list[dict[str, Any]]:
        return [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.schema},
            }
            for tool in self.tools
        ]

    def _unanswered(self) -> list[dict[str, Any]]:
        """Return the last calls that have no result yet."""
        at = max((at for at, one in enumerate(self._messages) if one.get("tool_calls")), default=None)
        if at is None:
            return []
        answered = {one.get("tool_call_id") for one in self._messages[at + 1 :]}
        return [call for call in self._messages[at]["tool_calls"] if call["id"] not in answered]

    def _close_calls(self) -> None:
        """Answer calls that a barge-in has cut off: the protocol demands a result for each."""
        for call in self._unanswered():
            self._messages.append({"role": "tool", "tool_call_id": call["id"], "content": _INTERRUPTED})


def _object(text: str) -> dict[str, Any]:
    read = json.loads(text or "{}")
    if not isinstance(read, dict):
        raise ValueError("arguments are not an object")  # noqa: TRY004  the server's text is wrong, not a type of ours
    return read
