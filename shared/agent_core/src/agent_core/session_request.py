"""What a conversation begins with, and where its model sessions come from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pipecat.processors.frame_processor import FrameProcessor

from agent_core.admission import Slot
from agent_core.agent_runtime import AgentRuntime
from agent_core.events import CallDetailRecord, EndReason, SessionStats
from agent_core.nova.model_session import ModelSession, SessionPrompt
from agent_core.nova.prewarm_pool import PrewarmedSession
from agent_core.nova.session_callbacks import AudioSink
from agent_core.nova.transcript import History
from agent_core.transfer_controller import People


@dataclass(frozen=True, slots=True)
class AudioRoute:
    """How the sound of one conversation travels.

    Either ``voice`` takes it directly, or ``source`` and ``sink`` carry it through the pipeline. In the second case
    nobody is there at first: the model is opened by ``Session.connected``.
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
    """How a person is brought in, where that can be done."""


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """What a conversation begins with: its place, and a model session if one was parked for it."""

    channel: str
    slot: Slot
    prewarmed: PrewarmedSession | None = None
    call_sid: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    region: str = ""
    """Where a page's visitor is used to weather, ISO 3166; without it the country among the facts decides."""
    details: str = field(default="", repr=False)
    """What an app said about its user: one line of JSON. It is data for the model and belongs into no log."""
    history: History = ()
    """What was said before, when a call is taken up again; the model session that is parked already knows it."""
    first_words: str | None = None
    """What the model gets in place of the order to greet; an empty one lets the caller speak first."""
    on_words: Callable[[History], None] | None = None
    """Told of the conversation so far with each change; must not wait."""
    seconds_left: float | None = None
    """How long it may last, where that is less than a whole conversation: a call that is taken up again has begun."""
    transfers: int = 0
    """How often the caller was put through to a person before, and came back."""
    session_id: str | None = None
    """The conversation that this one is a further part of; None begins a conversation."""
    began_at: float | None = None
    """Unix seconds at which the first part of the conversation began."""
    earlier: SessionStats | None = None
    """What the earlier parts have counted; the end record has the sum."""
    goes_on: Callable[[CallDetailRecord], bool] | None = None
    """Asked with the record of this part whether a further part may follow; then this part leaves no end record. Must
    not wait."""
    hands_over: bool = False
    """Whether another task can go on with this conversation, so that no goodbye is said when this one has to stop."""

    async def discard(self) -> None:
        """Release both, if no session came of it; bounded, never raises."""
        self.slot.release()
        if self.prewarmed is not None:
            await self.prewarmed.discard()


class ModelSessionFactory:
    """Opens the model sessions of one conversation: the parked one first.

    Args:
        agent: What all conversations share.
        session_request: What this one begins with.
        media: At which rates its sound travels.
    """

    def __init__(self, agent: AgentRuntime, session_request: SessionRequest, media: AudioRoute) -> None:
        self._agent = agent
        self._prewarmed = session_request.prewarmed
        self._facts = session_request.facts
        self._details = session_request.details
        self._rates = (media.input_rate, media.output_rate)

    async def first(self) -> ModelSession | None:
        """Give the parked session, see ``ModelSource``."""
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
        return await self._agent.open_model(self._prompt(history))

    async def open_ready(self) -> ModelSession:
        """Open a session that waits, see ``ModelSource``."""
        return await self._agent.open_ready(self._prompt())

    def _prompt(self, history: History = ()) -> SessionPrompt:
        return self._agent.prompt(self._rates, self._facts, history, details=self._details)

    async def discard(self) -> None:
        """Close the parked session, see ``ModelSource``."""
        prewarmed, self._prewarmed = self._prewarmed, None
        if prewarmed is not None:
            await prewarmed.discard()
