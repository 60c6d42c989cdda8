"""One prompt from its first content block to its end: connects caller audio, dialogue and turns."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from standins.nova.audio_feed import AudioFeed
from standins.nova.backend import Backend, DeclaredTool
from standins.nova.completion import Completion
from standins.nova.effects import OpenedPrompt
from standins.nova.faults import FaultPlan, ModelFault
from standins.nova.models import MODELS
from standins.nova.pace import Pace
from standins.nova.session_records import SessionRecord
from standins.nova.tasks import TaskPool
from standins.nova.turn_taking import TurnContext, TurnTaking


@dataclass(frozen=True, slots=True)
class Setting:
    """What the conversations of a stream share."""

    backend: Backend
    pace: Pace
    faults: FaultPlan
    record: SessionRecord
    tasks: TaskPool
    send: Callable[[dict[str, Any]], None]
    expect_result: Callable[[str], None]
    stop_waiting: Callable[[str], None]
    misbehave: Callable[[ModelFault], None]
    drained: Callable[[], Awaitable[object]]
    screen: Callable[[str], None]


class PromptConversation:
    """Connects a prompt to its own ear, dialogue and voice."""

    def __init__(self, prompt: OpenedPrompt, setting: Setting) -> None:
        record = setting.record
        record.system, record.history = prompt.system, prompt.history
        record.output_rate = prompt.start.audio_output_configuration.sample_rate_hertz
        self._setting = setting
        self._sensitivity = prompt.sensitivity
        # The audio content may open after the first typed text.
        self._line: AudioFeed | None = None
        self._completion = Completion(record.session_id, prompt.name, setting.send)
        # The model bills the system prompt and the history as input.
        self._completion.input.read(prompt.system + "".join(text for _, text in prompt.history))
        self._completion.start()
        tools = _tools(prompt)
        self._backend = setting.backend.for_prompt(tools, prompt.system)
        around = TurnContext(
            dialogue=self._backend.dialogue(tools=tools, system=prompt.system, history=prompt.history),
            voice=self._backend.voice,
            pace=setting.pace,
            faults=setting.faults,
            tasks=setting.tasks,
            record=record,
            expect_result=setting.expect_result,
            stop_waiting=setting.stop_waiting,
            misbehave=setting.misbehave,
            drained=setting.drained,
            screen=setting.screen,
            marks_speech_end=MODELS[record.model_id].marks_speech_end,
        )
        self.turns = TurnTaking(self._completion, record.output_rate, around)

    def open_line(self, sample_rate: int) -> None:
        """Start to listen."""
        self._setting.record.input_rate = sample_rate
        ear = self._backend.hearing.listen(sample_rate, sensitivity=self._sensitivity)
        self._line = AudioFeed(ear, sample_rate, self.turns.notice)
        self._setting.tasks.start(self._line.run())

    def hear(self, pcm: bytes) -> None:
        """Process the caller's audio."""
        rate = self._setting.record.input_rate
        if self._line is None or rate is None:
            return
        seconds = len(pcm) / 2 / rate
        self._setting.record.audio_seconds_in += seconds
        # Audio is kept only if a test asks for it.
        if self._setting.record.sound is not None:
            self._setting.record.sound += pcm
        self._completion.input.hear(seconds)
        self._line.hear(pcm)

    def close_line(self) -> None:
        """Process the audio received so far, then stop listening."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def write_oddity(self, fault: ModelFault) -> None:
        """Write something that a client must tolerate: an unknown event, or empty or incomplete audio."""
        if fault.action == "unknown_event":
            self._completion.unknown()
            return
        self.turns.open_audio_if_closed()
        self._completion.audio(b"\x00\x01\x02" if fault.action == "odd_audio" else b"")


def _tools(prompt: OpenedPrompt) -> list[DeclaredTool]:
    return [
        DeclaredTool(tool.tool_spec.name, tool.tool_spec.input_schema.schema_, tool.tool_spec.description)
        for tool in prompt.start.tool_configuration.tools
    ]
