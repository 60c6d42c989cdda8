"""Define and check ``stages:`` of ``agent.yaml``. No I/O."""

from collections.abc import Iterator, Mapping
from string import Template
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

STAGE_NAME: Final = r"^[a-z][a-z0-9_]{0,31}$"
MAX_STAGES: Final = 20
StageName = Annotated[str, Field(pattern=STAGE_NAME)]
ToolName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
Words = Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ExitFile(_Part):
    """How a stage ends: ``after``, ``known`` or both of them; or ``when``."""

    to: StageName
    """The stage that follows."""
    after: ToolName | None = None
    """The tool that must have returned without an error. The next stage is prepared while it runs."""
    known: Annotated[str | None, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")] = None
    """The fact that a tool must have found out in this stage: ``{"facts": {"patient": "Anna Baker"}}`` in its result.
    """
    when: Words | None = None
    """In words, for the model: it gets a tool ``go_to_<stage>`` with this description."""

    @model_validator(mode="after")
    def _has_a_reason(self) -> "ExitFile":
        if bool(self.when) == bool(self.after or self.known):
            raise ValueError("an exit has after: a tool, known: a fact, or both; or it has when: a description")
        return self


class StageFile(_Part):
    """One part of the conversation, with its own instructions, tools and voice. The first one begins."""

    instructions: Annotated[str, Field(min_length=1, max_length=8000)]
    """What the agent does in it, besides ``instructions.md``; the same variables."""
    begin: Words = ""
    """What the agent says first in it, in the agent's language; ``${patient}`` is the fact of that name. Left to the
    model if it is missing.
    """
    tools: Annotated[tuple[ToolName, ...] | None, Field(max_length=32)] = None
    """Tools of the agent that the model may call in it; all of them if it is missing."""
    voice: Annotated[str | None, Field(pattern=r"^[a-z]{2,40}$")] = None
    """Voice id; the agent's if it is missing."""
    exits: Annotated[tuple[ExitFile, ...], Field(max_length=8)] = ()
    """Where the conversation goes from here, tried in this order."""


type Stages = Annotated[Mapping[StageName, StageFile], Field(max_length=MAX_STAGES)]


type Place = tuple[str | int, ...]


def problems(
    stages: Mapping[str, StageFile], tools: frozenset[str], variables: frozenset[str]
) -> Iterator[tuple[Place, str]]:
    """Yield the mistakes that concern several parts of the file: the place of each, and what is right.

    Args:
        stages: Of one agent.
        tools: Names of the agent's tools.
        variables: What instructions may contain as ``${name}``.
    """
    for name, stage in stages.items():
        for index, tool in enumerate(stage.tools or ()):
            if tool not in tools:
                yield (name, "tools", index), f"there is no tool {tool}; known are {', '.join(sorted(tools))}"
        # Facts are in the prompt as data; filled into instructions they would be obeyed.
        for found in Template.pattern.finditer(stage.instructions):
            if (variable := found["named"] or found["braced"]) and variable not in variables:
                known = ", ".join(f"${{{each}}}" for each in sorted(variables))
                yield (name, "instructions"), f"{found[0]} is not filled in; known are {known}"
        yield from _wrong_exits(name, stages, tools if stage.tools is None else frozenset(stage.tools))
    # A stage that nothing leads to is most often a misspelled exit.
    reached = _reached(stages)
    for name in stages:
        if name not in reached:
            yield (name,), f"no exit leads to {name}; the first stage is {next(iter(stages))}"


def _wrong_exits(name: str, stages: Mapping[str, StageFile], offered: frozenset[str]) -> Iterator[tuple[Place, str]]:
    for index, way in enumerate(stages[name].exits):
        if way.to not in stages:
            yield (name, "exits", index, "to"), f"there is no stage {way.to}; the stages are {', '.join(stages)}"
        elif way.to == name:
            yield (name, "exits", index, "to"), f"{name} cannot lead to itself"
        if way.after is not None and way.after not in offered:
            yield (name, "exits", index, "after"), f"{way.after} is no tool of this stage"


def _reached(stages: Mapping[str, StageFile]) -> set[str]:
    ahead = list(stages)[:1]
    reached = set(ahead)
    while ahead:
        new = {way.to for way in stages[ahead.pop()].exits if way.to in stages} - reached
        reached |= new
        ahead += new
    return reached
