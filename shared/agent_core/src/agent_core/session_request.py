"""Describe how a conversation starts, and open its model sessions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from pipecat.processors.frame_processor import FrameProcessor

from agent_core.admission import Slot
from agent_core.agent_runtime import AgentRuntime
from agent_core.agents.agent import Agent
from agent_core.agents.stages import StagePosition, StageProgress
from agent_core.capture.values import Stored
from agent_core.events import CallDetailRecord, EndReason, SessionStats
from agent_core.nova.audio_output import AudioSink
from agent_core.nova.model_session import ModelSession, SessionPrompt
from agent_core.nova.prewarm_pool import PrewarmedSession
from agent_core.nova.transcript import History
from agent_core.tools.acts import ActsDone


class People(Protocol):
    """How a channel connects a person."""

    @property
    def names(self) -> Sequence[str]:
        """Names of the people who can be reached; key 0 calls the first."""

    @property
    def takes_over(self) -> bool:
        """Whether the caller is transferred, after an announcement; otherwise the page shows something at once."""

    def language_of(self, destination: str) -> str | None:
        """Return the language of a person, a BCP 47 tag; None if it is that of the agent."""

    async def bring(self, destination: str, summary: str) -> None:
        """Transfer the caller, or show how to reach a person.

        Raises:
            UpstreamError: it failed; nothing has changed for the caller.
        """


@dataclass(frozen=True, slots=True)
class AudioRoute:
    """How the audio of one conversation travels.

    Either ``voice`` receives it directly, or ``source`` and ``sink`` carry it through the pipeline. In the second case
    the caller connects later: ``Session.connected`` opens the model.
    """

    input_rate: int
    output_rate: int
    voice: AudioSink | None = None
    source: FrameProcessor | None = None
    sink: FrameProcessor | None = None
    way_to_ear: float = 0.0
    """Seconds from the sink to the caller's ear: the last words must have arrived before the connection is closed."""
    before_end: Callable[[EndReason], None] | None = None
    """Called when the conversation is over, while the connection can still carry the reason."""
    people: People | None = None
    """Connects people, where the channel can."""


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """What a conversation starts with: its slot, and a pre-warmed model session if there is one."""

    channel: str
    slot: Slot
    prewarmed: PrewarmedSession | None = None
    call_sid: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    region: str = ""
    """Region whose units a page's visitor is used to, ISO 3166; if empty, the country in the facts decides."""
    details: str = field(default="", repr=False)
    """What an app said about its user: one line of JSON. It is data for the model and must not be logged."""
    history: History = ()
    """What was said before, when a call is resumed; a pre-warmed model session already knows it."""
    first_words: str | None = None
    """What the model receives instead of the instruction to greet; an empty string lets the caller speak first."""
    greeted_before: bool = False
    """Whether the caller was greeted in this call before, though what was said may not be in the history."""
    on_words: Callable[[History], None] | None = None
    """Called with the conversation so far at each change; must not block."""
    seconds_left: float | None = None
    """How long it may last, if less than a whole conversation: a resumed call has used part of its time."""
    transfers: int = 0
    """How often the caller was transferred to a person before, and came back."""
    session_id: str | None = None
    """The conversation that this one continues; None starts a new one."""
    began_at: float | None = None
    """Unix seconds at which the first part of the conversation started."""
    earlier: SessionStats | None = None
    """What the earlier parts have counted; the end record has the sum."""
    goes_on: Callable[[CallDetailRecord], bool] | None = None
    """Called with the record of this part; returns whether another part may follow, in which case this part writes no
    end record. Must not block.
    """
    returns: Callable[[EndReason], float] | None = None
    """Returns for how many seconds the caller may return after such an end; 0 if not at all. None means never."""
    agent: Agent | None = None
    """The agent that speaks; None is the default one."""
    acts: ActsDone = ActsDone()
    """What its tools have changed in earlier parts of the conversation."""
    on_act: Callable[[ActsDone], None] = lambda _: None
    """Called after each change, for the task that continues the conversation; must not block."""
    at: StagePosition = StagePosition()
    """Where the conversation is in the agent's stages, if an earlier part of it has begun."""
    on_stage: Callable[[StagePosition], None] = lambda _: None
    """Called when it reaches a stage, or a tool finds something out; must not block."""
    captured: Sequence[Sequence[Any]] = field(default=(), repr=False)
    """The values that the caller has given in earlier parts, see `agent_core.capture.values`."""
    on_captured: Callable[[Stored], None] = lambda _: None
    """Called after each change of these values; must not block."""
    hands_over: bool = False
    """Whether another task can continue this conversation, so that no goodbye is said when this one has to stop."""

    async def discard(self) -> None:
        """Release both if no session was made; bounded, never raises."""
        self.slot.release()
        if self.prewarmed is not None:
            await self.prewarmed.discard()


class ModelSessionFactory:
    """Opens the model sessions of one conversation: the pre-warmed one first.

    Args:
        agent: What all conversations share.
        session_request: What this one starts with.
        media: Has the sample rates.
        stages: Where the conversation is, which decides prompt, tools and voice of a session.
        known_values: Returns the handles of captured values, which a new session knows from no tool result.
    """

    def __init__(
        self,
        agent: AgentRuntime,
        session_request: SessionRequest,
        media: AudioRoute,
        stages: StageProgress,
        known_values: Callable[[], str] = lambda: "",
    ) -> None:
        self._known_values = known_values
        self._agent = agent
        self._prewarmed = session_request.prewarmed
        self._facts = session_request.facts
        self._details = session_request.details
        self._speaker = session_request.agent
        self._rates = (media.input_rate, media.output_rate)
        self._stages = stages

    async def first(self) -> ModelSession | None:
        """Return the pre-warmed session, see ``ModelSource``."""
        prewarmed, self._prewarmed = self._prewarmed, None
        if prewarmed is None:
            return None
        try:
            return await prewarmed.session()
        except Exception:
            await prewarmed.discard()
            raise

    async def open(self, history: History) -> ModelSession:
        """Open a session, see ``ModelSource``."""
        return await self._agent.open_model(self._prompt(self._stages.position, history))

    async def open_ready(self, stage: str = "") -> ModelSession:
        """Open a session that waits, see ``ModelSource``."""
        at = self._stages.position
        return await self._agent.open_ready(self._prompt(replace(at, stage=stage) if stage else at))

    def _prompt(self, at: StagePosition, history: History = ()) -> SessionPrompt:
        return self._agent.prompt(
            self._rates,
            self._facts,
            history,
            details=self._details,
            agent=self._speaker,
            captured=self._known_values(),
            at=at,
        )

    async def discard(self) -> None:
        """Close the pre-warmed session, see ``ModelSource``."""
        prewarmed, self._prewarmed = self._prewarmed, None
        if prewarmed is not None:
            await prewarmed.discard()
