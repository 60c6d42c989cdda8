"""One conversation over a scripted model, without a media stream: what it did, and that it left nothing behind."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType

from agent_core.agent_runtime import AgentRuntime
from agent_core.agents.stages import Stage as AgentStage
from agent_core.agents.stages import StagePosition
from agent_core.capture.values import Stored
from agent_core.conversation.session import Session
from agent_core.events import CallDetailRecord, SessionStats
from agent_core.extensions import ExtensionFactory, none
from agent_core.nova.transcript import History
from agent_core.session_request import AudioRoute, People, SessionRequest
from agent_core.settings import CoreSettings
from agent_core.tools.goodbye import END_CALL, goodbye_tools
from agent_core.tools.registry import Tool
from agent_core.tools.transfer import TRANSFER, transfer_tools
from tests.support.agents import one_agent
from tests.support.scripted_model import ScriptedModel
from tests.support.waiting import until


class Silent:
    """A voice without an output.

    Args:
        sounds: Seconds that everything takes to play.
    """

    def __init__(self, sounds: float = 0.0) -> None:
        self.sounds = sounds
        self.said: list[bytes] = []
        """Recordings, as PCM."""
        self.events: list[str] = []
        """Calls in order; consecutive pieces of audio count once."""

    def play(self, pcm: bytes) -> None:
        """Record it."""
        del pcm
        if self.events[-1:] != ["play"]:
            self.events.append("play")

    def say(self, pcm: bytes) -> None:
        """Keep the recording."""
        self.said.append(pcm)

    def sounds_for(self) -> float:
        """Return always the same duration."""
        return self.sounds

    def interrupt(self) -> None:
        """Record it."""
        self.events.append("interrupt")

    def finish_answer(self) -> None:
        """Record it."""
        self.events.append("finish_answer")


@dataclass(frozen=True)
class Before:
    """The state that a conversation begins with."""

    history: History = ()
    first_words: str | None = None
    on_words: Callable[[History], None] | None = None
    at: StagePosition = StagePosition()
    on_stage: Callable[[StagePosition], None] = lambda _: None
    captured: Stored = ()
    on_captured: Callable[[Stored], None] = lambda _: None


NOTHING = Before()


class Stage:
    """An agent over a scripted model, and the records of its conversations."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that a test may change
        self,
        before: Before = NOTHING,
        people: People | None = None,
        more: Sequence[Tool] = (),
        extend: ExtensionFactory = none,
        stages: Mapping[str, AgentStage] = MappingProxyType({}),
        model: ScriptedModel | None = None,
        voice: Silent | None = None,
        **settings: int,
    ) -> None:
        self.model = model or ScriptedModel()
        self.records: list[CallDetailRecord] = []
        tools = [*goodbye_tools(), *transfer_tools(people.names if people is not None else ()), *more]
        self.agent = AgentRuntime(
            CoreSettings.model_validate({"max_sessions": 3, **settings}),
            self.model,
            one_agent(tools, stages=_with_runtime_tools(stages, tools)),
            self._keep,
            extend=extend,
        )
        place = self.agent.admission.admit()
        self.voice = voice or Silent()
        media = AudioRoute(8000, 8000, voice=self.voice, people=people)
        self.session = Session(
            self.agent, SessionRequest("phone", place, call_sid="CA1", **vars(before)), media, SessionStats()
        )

    def _keep(self, record: CallDetailRecord) -> None:
        self.records.append(record)

    def released(self) -> bool:
        """Return whether everything has been released."""
        return self.agent.admission.taken == 0 and self.model.open_streams == 0 and not self.agent.sessions


def _with_runtime_tools(stages: Mapping[str, AgentStage], tools: Sequence[Tool]) -> dict[str, AgentStage]:
    always = [tool for tool in tools if tool.spec.name in (END_CALL, TRANSFER)]
    return {name: replace(stage, tools=(*stage.tools, *always)) for name, stage in stages.items()}


@asynccontextmanager
async def running_session(  # noqa: PLR0913, PLR0917 - as above
    before: Before = NOTHING,
    people: People | None = None,
    more: Sequence[Tool] = (),
    extend: ExtensionFactory = none,
    stages: Mapping[str, AgentStage] = MappingProxyType({}),
    model: ScriptedModel | None = None,
    voice: Silent | None = None,
    **settings: int,
) -> AsyncIterator[tuple[Stage, asyncio.Task[CallDetailRecord]]]:
    """Run a conversation; at the end of the block it must end within eight seconds, and hold nothing."""
    tasks = asyncio.all_tasks()
    stage = Stage(before, people, more, extend, stages, model, voice, **settings)
    running = asyncio.create_task(stage.session.run())
    await stage.model.stream()
    try:
        yield stage, running
    except BaseException:
        # A failed test must not leave a conversation that keeps the clock busy.
        running.cancel()
        await asyncio.wait({running}, timeout=8)
        raise
    async with asyncio.timeout(8):
        await asyncio.wait({running})
    assert stage.released()
    assert len(stage.records) == 1
    await until(lambda: asyncio.all_tasks() <= tasks | {running})
