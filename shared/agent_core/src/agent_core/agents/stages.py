"""Hold the stages of an agent, and follow one conversation through them. No I/O.

A stage is a part of a conversation with its own instructions, tools and voice. The model accepts those only when a
stream begins, so each stage has a stream of its own (see `agent_core.nova.resilient_connection`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

import structlog

from agent_core.tools.go_to import PREFIX
from agent_core.tools.registry import Tool

log = structlog.get_logger()

FACTS: Final = "facts"
"""Key of a tool's result that holds what the conversation has found out; the model does not receive it there."""
MAX_FACTS: Final = 20
MAX_FACT: Final = 300
"""Most characters of one fact."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Exit:
    """How a stage ends.

    Attributes:
        to: The stage that follows.
        after: The tool that must have returned; empty if any may.
        known: The fact that a tool of this stage must have found out; empty if none needs to.
    """

    to: str
    after: str = ""
    known: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of a conversation.

    Attributes:
        name: Its key in ``agent.yaml``.
        instructions: What the agent does in it, besides ``instructions.md``.
        begin: What the agent says first in it; empty leaves that to the model.
        tools: All tools that the model may call in it, those of the runtime included.
        voice: Voice id; empty is the agent's.
        exits: In the order in which they are tried.
        names: The agent's own tools among them; None if all of these are.
        fixed: The others: those of the runtime, and those that lead to another stage.
    """

    name: str
    instructions: str = ""
    begin: str = ""
    tools: tuple[Tool, ...] = ()
    voice: str = ""
    exits: tuple[Exit, ...] = ()
    names: frozenset[str] | None = None
    fixed: tuple[Tool, ...] = ()

    def with_tools(self, tools: Sequence[Tool]) -> "Stage":
        """Return the stage with the agent's present tools, whose servers may have others now."""
        runtime = {tool.spec.name for tool in self.fixed}
        own = [
            tool
            for tool in tools
            if tool.spec.name not in runtime
            and not tool.spec.name.startswith(PREFIX)
            and (self.names is None or tool.spec.name in self.names)
        ]
        return replace(self, tools=(*own, *self.fixed))


@dataclass(frozen=True, slots=True)
class StagePosition:
    """Where a conversation is in its stages, as it is stored with the call.

    Attributes:
        stage: Name of the stage; empty for an agent without stages.
        facts: What tools have found out, by name.
    """

    stage: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


class StageProgress:
    """Follows one conversation through the stages of its agent.

    Args:
        stages: Of the agent, the first one first; empty if it has none.
        at: Where the conversation is, if an earlier part of it has begun; a stage that this version of the agent does
            not have begins again with the first.
        changed: Called after each change, for the task that continues the conversation; must not block.
    """

    def __init__(
        self,
        stages: Mapping[str, Stage],
        at: StagePosition | None = None,
        changed: Callable[[StagePosition], None] = lambda _: None,
    ) -> None:
        self._stages = stages
        self._changed = changed
        at = at or StagePosition()
        self.current = stages.get(at.stage) or next(iter(stages.values()), None)
        """The stage that the conversation is in; None if the agent has no stages."""
        self._facts = dict(at.facts)
        self._found: set[str] = set()
        """Facts that this stage has found out."""

    @property
    def position(self) -> StagePosition:
        """Where the conversation is."""
        return StagePosition(self.current.name if self.current else "", dict(self._facts))

    @property
    def facts(self) -> Mapping[str, str]:
        """What tools have found out so far."""
        return MappingProxyType(self._facts)

    def allows(self, tool: str) -> bool:
        """Return whether a tool may be called now."""
        return self.current is None or any(each.spec.name == tool for each in self.current.tools)

    @property
    def likely(self) -> Stage | None:
        """The stage that probably follows: that of the first exit."""
        exits = () if self.current is None else self.current.exits
        return self._stages[exits[0].to] if exits else None

    def expected(self, tool: str) -> Stage | None:
        """Return the stage that follows if this tool returns what it should; its stream can be opened meanwhile."""
        exits = () if self.current is None else self.current.exits
        return next((self._stages[each.to] for each in exits if each.after == tool), None)

    def take(self, tool: str, result: Mapping[str, Any], *, succeeded: bool) -> tuple[dict[str, Any], Stage | None]:
        """Take the result of a tool.

        Returns:
            What the model receives of it, and the stage that follows; None if the conversation stays in this one.
        """
        for_model = dict(result)
        if self.current is None:
            return for_model, None
        self._learn(tool, for_model.pop(FACTS, _NOTHING))
        # A tool that an earlier stage has started must not end this one.
        if not succeeded or not self.allows(tool):
            return for_model, None
        reached = next((self._stages[each.to] for each in self.current.exits if self._is_met(each, tool)), None)
        return for_model, reached

    def _is_met(self, way: Exit, tool: str) -> bool:
        return way.after in ("", tool) and (not way.known or way.known in self._found)

    def _learn(self, tool: str, found: object) -> None:
        if not isinstance(found, Mapping):
            log.warning("facts_refused", tool=tool, error="not_an_object")
            return
        for name, value in found.items():
            text = " ".join(str(value).split())[:MAX_FACT]
            full = name not in self._facts and len(self._facts) >= MAX_FACTS
            if not isinstance(name, str) or not _NAME.fullmatch(name) or not _is_plain(value) or full:
                # The name only: a value may be what a caller said.
                log.warning("facts_refused", tool=tool, error="too_many" if full else "name_or_value")
                continue
            self._facts[name] = text
            self._found.add(name)
        if found:
            self._changed(self.position)

    def enter(self, stage: Stage) -> None:
        """Record that the conversation has reached a stage."""
        self.current = stage
        self._found.clear()
        self._changed(self.position)


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float) and bool(str(value).strip())
