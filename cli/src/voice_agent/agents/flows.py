"""Turn a flow file of Pipecat into the stages of an agent, as far as both can say the same.

Source: Pipecat's own model of the file, `pipecat.flows.FlowConfig`, which also checks it.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from pipecat.flows import FlowConfig

_STAGE: Final = re.compile(r"[^a-z0-9]+")
_PLACEHOLDER: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_MOST_WORDS: Final = 300
_TOOL: Final = '''@tool
def {name}(call: Call) -> dict[str, Any]:
    """{about}"""
    raise ToolFailure("not_written", "Say that you cannot do this yet.")
'''
_IMPORTS: Final = '''"""The functions that the flow names: write what each does.

Its parameters and the first lines of its docstring are what the model sees.
"""

from typing import Any

from agent_core.agents import Call, ToolFailure, tool


'''


class FlowRefusedError(Exception):
    """The file is no flow, or one that stages cannot express; the text says why."""


@dataclass
class ImportedFlow:
    """What a flow becomes."""

    stages: dict[str, dict[str, Any]]
    """``stages:`` of ``agent.yaml``."""
    instructions: str
    """The role of the bot, for ``instructions.md``."""
    tools: str
    """``tools.py`` with a function for each that the flow names."""
    left: list[str] = field(default_factory=list)
    """What has no counterpart, for the user to decide."""


def read_flow(path: Path) -> ImportedFlow:
    """Read a flow file, YAML or JSON.

    Raises:
        FlowRefusedError: it cannot be read, or is not valid.
    """
    # Only here: it takes seconds, and nothing else of the command needs it. Pipecat logs its version when imported.
    os.environ.setdefault("LOGURU_AUTOINIT", "False")
    from pipecat.flows import FlowConfig  # noqa: PLC0415

    try:
        flow = FlowConfig.from_file(path)
    except Exception as error:  # noqa: BLE001 - of files, YAML, JSON and Pydantic; each is the user's to correct
        # Pydantic's text has an address on its last line, which helps no one here.
        reason = re.sub(r"\s*For further information visit \S+", "", str(error))
        raise FlowRefusedError(f"{path}: {reason}") from None
    return _Importer(flow).imported()


class _Importer:
    def __init__(self, flow: "FlowConfig") -> None:
        self._flow = flow
        names = [flow.initial_node, *(name for name in flow.nodes if name != flow.initial_node)]
        self._names = {name: _stage_name(name) for name in names}
        self._left: list[str] = []
        if len(set(self._names.values())) < len(names):
            raise FlowRefusedError("two nodes have the same name once it has only lower-case letters, digits and _")

    def imported(self) -> ImportedFlow:
        stages = self._reached({self._names[name]: self._stage(name) for name in self._names})
        roles = [node.role_message for node in self._flow.nodes.values() if node.role_message]
        if len(set(roles)) > 1:
            self._left.append("role_message of later nodes: the first one is in instructions.md for the whole call")
        role = self._text(self._flow.nodes[self._flow.initial_node].role_message or (roles[0] if roles else ""))
        return ImportedFlow(stages, role, self._tools(), list(dict.fromkeys(self._left)))

    def _reached(self, stages: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Leave out what no exit leads to: in a flow, code may lead to any node."""
        ahead = [self._names[self._flow.initial_node]]
        reached = set(ahead)
        while ahead:
            new = {way["to"] for way in stages[ahead.pop()].get("exits", [])} - reached
            reached |= new
            ahead += new
        self._left.extend(f"node {name}: nothing leads to it" for name in stages if name not in reached)
        return {name: stage for name, stage in stages.items() if name in reached}

    def _stage(self, name: str) -> dict[str, Any]:
        node = self._flow.nodes[name]
        functions = [*node.functions, *self._flow.global_functions]
        lines = [self._text(message.content) for message in node.task_messages]
        begin = ""
        for action in (*node.pre_actions, *node.post_actions):
            said = str((action.model_extra or {}).get("text") or "")
            if action.type == "tts_say" and said and not begin:
                begin = self._text(said)[:_MOST_WORDS]
            elif action.type == "end_conversation":
                lines.append("Then say goodbye and call end_call.")
            else:
                self._left.append(f"action {action.type} of node {name}")
        if node.context_strategy == "reset":
            self._left.append(f"context_strategy reset of node {name}: the next stage knows the whole conversation")
        stage: dict[str, Any] = {"instructions": "\n".join(f"- {line}" for line in lines if line) or f"- {name}"}
        if begin:
            stage["begin"] = begin
        stage["tools"] = [one.name for one in functions if not one.transition_only]
        if exits := [way for one in functions for way in self._exits(one, name)]:
            stage["exits"] = exits
        return stage

    def _exits(self, function: "FlowConfig.Function", node: str) -> Iterator[dict[str, str]]:
        goal = function.transition_to
        if goal is None:
            return
        if isinstance(goal, str):
            # A stage that leads to itself only stays.
            if goal != node:
                reason = {"when": self._text(function.description or "")[:_MOST_WORDS]}
                yield {"to": self._names[goal], **(reason if function.transition_only else {"after": function.name})}
            return
        for case, to in goal.cases.items():
            fact = _stage_name(f"{goal.field}_{case}")
            if to != node:
                yield {"to": self._names[to], "after": function.name, "known": fact}
            self._left.append(f'{function.name}: return {{"facts": {{"{fact}": …}}}} where {goal.field} is {case}')
        if goal.default is not None and goal.default != node:
            yield {"to": self._names[goal.default], "after": function.name}

    def _tools(self) -> str:
        every = [*(one for node in self._flow.nodes.values() for one in node.functions), *self._flow.global_functions]
        names = dict.fromkeys(one.name for one in every if not one.transition_only)
        if not names:
            return ""
        self._left.extend(f"tools.py: write {name}" for name in names)
        if wrong := [name for name in names if not name.isidentifier()]:
            raise FlowRefusedError(f"function {wrong[0]!r}: the name of a tool has letters, digits and _ only")
        made = (_TOOL.format(name=name, about=f"{name.replace('_', ' ').capitalize()}.") for name in names)
        return _IMPORTS + "\n\n".join(made)

    def _text(self, text: str) -> str:
        for found in _PLACEHOLDER.finditer(text):
            self._left.append(f"placeholder {found[0]}: the stages have the fact {found[1]} if a tool returns it")
        # A dollar sign would begin a variable of ours.
        plain = _PLACEHOLDER.sub(lambda found: f"the {found[1].replace('_', ' ')}", text).replace("${", "$ {")
        return " ".join(plain.split())


def _stage_name(name: str) -> str:
    plain = _STAGE.sub("_", name.lower()).strip("_")[:32].rstrip("_")
    return plain if plain[:1].isalpha() else f"stage_{plain}"[:32]


def stages_text(stages: dict[str, dict[str, Any]]) -> str:
    """Return the stages as YAML, for the end of an ``agent.yaml``."""
    return str(yaml.safe_dump({"stages": stages}, allow_unicode=True, sort_keys=False, width=110))
