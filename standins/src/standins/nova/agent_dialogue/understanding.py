"""Everything that one agent understands: its prepared lines, known values and language. One per agent and tool list."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from standins.agents.dates import Moment
from standins.agents.folder import AgentFolder
from standins.agents.language import Language, language
from standins.agents.matching import Match, Matcher
from standins.agents.rehearsals import Line
from standins.agents.rehearsed import Choices, Sentence, choices_of, prepared, sentence_of, speaks_of_evenings
from standins.agents.words import spelled
from standins.nova.agent_dialogue import arguments


@dataclass(frozen=True)
class Understanding:
    """What a conversation with an agent understands; `agent` is None for a prompt that belongs to no folder."""

    agent: AgentFolder | None
    language: Language
    choices: Choices
    moment: Moment
    matcher: Matcher

    @property
    def name(self) -> str:
        """On whose behalf the agent speaks."""
        return self.agent.name if self.agent is not None else "an agent that I do not know"

    @property
    def is_heard(self) -> bool:
        """Whether the recogniser has the agent's language."""
        return self.agent is None or self.agent.speaks_english

    @property
    def lines(self) -> tuple[Line, ...]:
        """The rehearsed lines."""
        return self.agent.lines if self.agent is not None else ()

    def sentence(self, text: str) -> Sentence:
        """Find the values in a text."""
        found = sentence_of(spelled(text), self.language, self.moment, self.choices)
        return replace(found, original=text)

    def match(self, sentence: Sentence, follow_ups: Collection[str]) -> Match | None:
        """Return the nearest rehearsed line."""
        return self.matcher.best(sentence, follow_ups)


def understanding(
    agent: AgentFolder | None, tools: Mapping[str, Mapping[str, Any]], today: Callable[[], dt.date] = dt.date.today
) -> Understanding:
    """Prepare an agent's lines with the values that the prompt's tools list."""
    # What the tools list counts more than the rehearsals: it is what the tool accepts.
    lines = agent.lines if agent is not None else ()
    spoken = language(agent.language if agent is not None else "en")
    choices = {**choices_of(lines, spoken), **arguments.choices_of(tools)}
    moment = Moment(today, evening=speaks_of_evenings(lines, spoken))
    matcher = Matcher([prepared(line, spoken, moment, choices) for line in lines], spoken)
    return Understanding(agent, spoken, choices, moment, matcher)
