"""Plays agent folders: chooses recogniser, dialogue and voice for each prompt."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from standins.agents.catalogue import Catalogue
from standins.agents.folder import AgentFolder
from standins.agents.language import language
from standins.agents.sentences import sentences
from standins.nova import weather_dialogue
from standins.nova.agent_dialogue.arguments import choices_of
from standins.nova.agent_dialogue.dialogue import AgentDialogue
from standins.nova.backend import Backend, DeclaredTool, DialogueBackend, MakeDialogue
from standins.nova.event_log import note
from standins.nova.weather_dialogue.dialogue import Dialogue
from standins.speech.recognition import RecognitionService, SessionRecognition
from standins.speech.voice import VoiceService, speaker_of

if TYPE_CHECKING:
    from standins.nova.brain import Brain

_PART = "\n## Now: "
"""Title of a part of the conversation in a system prompt."""
_SHOWN = 60
"""Most characters of a line in the log."""


@dataclass(frozen=True)
class AgentHearing:
    """The ears of one agent, with its words; None for a language that the recogniser does not have."""

    service: RecognitionService
    vocabulary: str | None

    async def start(self) -> None:
        """Do nothing: the service has its own start."""

    def listen(self, sample_rate: int, *, sensitivity: str | None) -> SessionRecognition:
        """Return an ear for a new caller."""
        return self.service.listen(sample_rate, sensitivity=sensitivity, vocabulary=self.vocabulary)

    async def aclose(self) -> None:
        """Do nothing: the service belongs to the server."""


@dataclass(frozen=True)
class AgentVoice:
    """The voice in an agent's language."""

    service: VoiceService
    language: str

    @property
    def name(self) -> str:
        """Name of the voice."""
        return self.service.name

    async def start(self) -> None:
        """Do nothing: the service has its own start."""

    async def aclose(self) -> None:
        """Do nothing: the service belongs to the server."""

    async def speak(self, text: str, sample_rate: int) -> bytes:
        """Return one sentence as 16-bit mono samples."""
        return await self.service.speak(text, sample_rate, self.language)


class Cast:
    """Chooses the parts for a prompt, and reads folders again that have changed.

    Args:
        root: Directory of the folders; None for none.
        hearing: Shared by all agents.
        voice: Shared by all agents.
        brain: The language model that decides instead of the rehearsals; None for none.
    """

    def __init__(
        self, root: Path | None, hearing: RecognitionService, voice: VoiceService, brain: "Brain | None" = None
    ) -> None:
        self._catalogue = Catalogue(root, lambda error: note("agent_not_valid", logging.WARNING, about=error))
        self._hearing = hearing
        self._voice = voice
        self._brain = brain
        self._read_again()

    def __call__(self, tools: Sequence[DeclaredTool], system: str) -> Backend:
        """Return the parts for the agent that the prompt belongs to."""
        self._read_again()
        names = {tool.name for tool in tools}
        # The weather keeps a grammar of its own: it hears three hundred cities, which no rehearsal lists.
        is_weather = bool(names & weather_dialogue.TOOLS)
        agent = None if is_weather else self._catalogue.choose(names, system)
        tag = language(agent.language).code if agent is not None else "en"
        vocabulary = self._vocabulary(agent, tools) if agent is not None else ""
        return Backend(
            AgentHearing(self._hearing, vocabulary),
            AgentVoice(self._voice, tag),
            self._dialogue(agent, is_weather=is_weather),
            "",
        )

    def _dialogue(self, agent: AgentFolder | None, *, is_weather: bool) -> MakeDialogue:
        rehearsed: MakeDialogue = Dialogue if is_weather else partial(_agent_dialogue, agent)
        if self._brain is None:
            return rehearsed
        # Its HTTP client takes a tenth of a second to import, and few runs have a brain.
        from standins.nova.brain import BrainDialogue  # noqa: PLC0415

        return partial(BrainDialogue, brain=self._brain, rehearsed=rehearsed, language=_tag(agent))

    def _vocabulary(self, agent: AgentFolder, tools: Sequence[DeclaredTool]) -> str | None:
        """Return the name of the agent's vocabulary, and build it if the prompt's tools have values that are new."""
        if not agent.speaks_english:
            return None
        listed = {value for _, value in choices_of({tool.name: tool.schema for tool in tools}).values()}
        new = sorted(listed - set(agent.choices))
        name = _name(agent)
        if new:
            name += f"+{hashlib.sha256(repr(new).encode()).hexdigest()[:8]}"
        if not self._hearing.knows(name):
            self._hearing.learn({name: sentences(agent, new)})
        return name

    def _read_again(self) -> None:
        changed = self._catalogue.refresh()
        english = [agent for agent in changed if agent.speaks_english and not agent.tools & weather_dialogue.TOOLS]
        if english:
            self._hearing.learn({_name(agent): sentences(agent) for agent in english})
        for agent in changed:
            _introduce(agent)


def _agent_dialogue(
    agent: AgentFolder | None, *, tools: Sequence[DeclaredTool], system: str, history: Sequence[tuple[str, str]]
) -> DialogueBackend:
    # Of the system prompt only its form counts: its variables are the runtime's, and the rehearsals say the rest.
    return AgentDialogue(agent, tools=tools, history=history, has_parts=_PART in system)


def _tag(agent: AgentFolder | None) -> str:
    return agent.language if agent is not None else "en"


def _name(agent: AgentFolder) -> str:
    return f"{agent.id}@{agent.version}"


def _introduce(agent: AgentFolder) -> None:
    """Log which lines an agent knows, and what is missing for its language."""
    known = " / ".join(line.says[:_SHOWN] for line in agent.lines if line.opens)
    note("agent_known", agent=agent.id, version=agent.version, language=agent.language, lines=known)
    if not agent.speaks_english:
        code = language(agent.language).code
        spoken = "its own" if speaker_of(code) else "English: install the program espeak-ng for its own"
        note("agent_is_not_heard", agent=agent.id, about=f"only typed text is understood; voice: {spoken}")
