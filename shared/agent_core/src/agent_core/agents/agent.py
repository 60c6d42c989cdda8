"""Hold one agent as conversations use it: an immutable version of its folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from string import Template
from typing import Any, Final, Self

from agent_core.agents import opening_hours
from agent_core.agents.agent_file import AgentFile
from agent_core.agents.outside_tools import Offered, tools_of
from agent_core.agents.stages import Stage
from agent_core.capture.reading import Reader, country_of
from agent_core.destinations import Destination
from agent_core.disclosure import Wording
from agent_core.sentences import Sentences
from agent_core.tools.mcp_server import McpServer
from agent_core.tools.registry import Tool

VARIABLES: Final = frozenset({"name", "now", "opening_hours", "open_now", "place"})
"""What ``instructions.md`` may contain as ``${name}``."""


@dataclass(frozen=True, eq=False)
class Agent:
    """One version of one agent. A conversation keeps its version to its end.

    Attributes:
        id: Name of its folder.
        version: Digest of its folder, 12 hexadecimal digits.
        file: Its ``agent.yaml``.
        instructions: Its ``instructions.md``.
        tools: All tools that the model may call, those of the runtime included.
        people: The people that it can connect; key 0 calls the first.
        voice: Voice id.
        zone: Its time zone.
        sentences: What is said apart from the model, in its language, with the replacements of its ``sentences.yaml``.
        variables: The surroundings variables that its ``agent.yaml`` declares with defaults; no secrets.
        resources: The ``resources`` function of its ``tools.py``, if there is one.
        stages: The parts of its conversations by name, the first one first; empty if they have no parts.
        offered: Its tools, and the servers that have others, in their order.
    """

    id: str
    version: str
    file: AgentFile
    instructions: str = ""
    tools: tuple[Tool, ...] = ()
    people: tuple[Destination, ...] = ()
    voice: str = "matthew"
    zone: tzinfo | None = None
    sentences: Sentences = field(default_factory=Sentences.of)
    variables: dict[str, str] = field(default_factory=dict)
    resources: Any = None
    stages: Mapping[str, Stage] = field(default_factory=dict)
    offered: tuple[Offered, ...] = ()

    @classmethod
    def of_tools(cls, tools: Sequence[Tool], name: str = "the agent", **more: Any) -> Self:  # noqa: ANN401 - other attributes
        """Return an agent without a folder, for programs that make their tools themselves."""
        return cls("agent", "0" * 12, AgentFile(name=name), tools=tuple(tools), **more)

    @property
    def servers(self) -> tuple[McpServer, ...]:
        """The servers that have some of its tools."""
        return tuple(one for one in self.offered if isinstance(one, McpServer))

    def with_current_tools(self) -> Self:
        """Return the same version with the tools that its servers have now, for conversations that begin later."""
        tools = tuple(tools_of(self.offered))
        return replace(self, tools=tools, stages={name: one.with_tools(tools) for name, one in self.stages.items()})

    @property
    def name(self) -> str:
        """On whose behalf it speaks."""
        return self.file.name

    @property
    def language(self) -> str:
        """Language tag, such as ``de-DE``."""
        return self.file.language

    @property
    def reader(self) -> Reader:
        """Reads the values that its callers say or type."""
        return Reader(self.language, self.file.country or country_of(self.language))

    @property
    def wording(self) -> Wording:
        """What a caller must hear first: that an AI speaks, and on whose behalf."""
        return Wording.of(self.sentences, self.name)

    @property
    def path(self) -> str:
        """Path of its page."""
        return self.file.page.path or f"/a/{self.id}"

    @property
    def first_stage(self) -> Stage | None:
        """The stage with which its conversations begin; None if they have no stages."""
        return next(iter(self.stages.values()), None)

    def instructed(self, now: datetime, place: str, stage: Stage | None = None) -> str:
        """Return its instructions for one conversation, or those of a stage.

        Args:
            now: Its local time.
            place: Where the caller probably is; empty if unknown.
            stage: Whose own instructions are wanted; None returns those of the whole conversation.
        """
        # Read at each conversation: whether it is open now depends on the time.
        hours = None if self.file.opening_hours is None else opening_hours.parse(self.file.opening_hours)
        values = {
            "name": self.name,
            "now": now.strftime("%A, %d %B %Y, %H:%M"),
            "opening_hours": "" if hours is None else opening_hours.words(hours),
            "open_now": "" if hours is None else ("open" if opening_hours.is_open(hours, now) else "closed"),
            "place": place,
        }
        # `safe_substitute` keeps a lone dollar sign, which people write in prices.
        text = self.instructions if stage is None else stage.instructions
        return Template(text).safe_substitute(values).strip()
