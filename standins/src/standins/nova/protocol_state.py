"""The rules of a session, without I/O: events in, effects out; documented errors for wrong order and limits."""

from dataclasses import dataclass, field

from standins.nova import tool_schema_rules
from standins.nova.effects import (
    AudioClosed,
    AudioOpened,
    CallerAudio,
    CallerText,
    Effect,
    OpenedPrompt,
    PromptClosed,
    PromptOpened,
    SessionClosed,
    ToolAnswered,
)
from standins.nova.errors import (
    EMPTY_CONTENT,
    HISTORY_AFTER_AUDIO,
    IDLE,
    INVALID_INPUT,
    LIFETIME,
    OPEN_CONTENTS,
    VOICE,
    StreamFault,
    invalid,
    screen,
)
from standins.nova.history import History
from standins.nova.inputs import (
    AudioChunk,
    ClientEvent,
    ContentEnd,
    ContentEvent,
    ContentStart,
    PromptEnd,
    PromptStart,
    SessionEnd,
    SessionStart,
    TextInput,
    ToolResultInput,
)
from standins.nova.models import MODELS
from standins.nova.service_limits import ServiceLimits
from standins.nova.tool_results import ToolResults

AUDIBLE = 400
"""Amplitude (of 32768; -38 dBFS) above which audio resets the idle timer, where silence does not."""


@dataclass(slots=True)
class _Block:
    """An open content block."""

    start: ContentStart
    pieces: list[str] = field(default_factory=list)
    received: bool = False


class ProtocolState:
    """State of one stream. `now` is in seconds of a clock that the caller provides."""

    def __init__(self, model_id: str, limits: ServiceLimits, now: float) -> None:
        self._limits = limits
        self._idle = limits.idle_for(model_id)
        self._voices = MODELS[model_id].voices
        self._opened = now
        self._heard = now
        self._at = now
        self._start: SessionStart | None = None
        self._prompt: OpenedPrompt | None = None
        self._ended = False
        self._blocks: dict[str, _Block] = {}
        self._used_names: set[str] = set()
        self._audio_started = False
        self._history = History(limits)
        self.tool_results = ToolResults(limits)

    @property
    def deadline(self) -> float:
        """The earliest time at which `check` may raise."""
        return min(self._opened + self._limits.lifetime, self._heard + self._idle)

    def check(self, now: float) -> None:
        """Enforce the lifetime and the idle timeout.

        Raises:
            StreamFault: The stream is eight minutes old, or there was no audio for too long.
        """
        # The lifetime counts even while audio arrives.
        if now >= self._opened + self._limits.lifetime:
            raise StreamFault("modelTimeoutException", LIFETIME)
        if now >= self._heard + self._idle:
            raise invalid(IDLE.format(seconds=self._idle))

    def receive(self, event: ClientEvent, now: float, at: float | None = None) -> list[Effect]:
        """Process one event.

        Args:
            event: The event.
            now: Its time, by the clock that limits use.
            at: Its time in seconds of the wall clock, which tests never accelerate; by default the same as `now`.

        Raises:
            StreamFault: The event violates the order or a limit. The session is over then.
        """
        self._at = now if at is None else at
        # Nothing but the end of the request may follow.
        if self._ended:
            raise invalid(INVALID_INPUT, "event after sessionEnd")
        match event:
            case SessionStart():
                self._start_session(event)
            case PromptStart():
                return self._start_prompt(event)
            case PromptEnd():
                return self._end_prompt(event)
            case SessionEnd():
                return self._end_session()
            case _:
                return self._receive_content(event, now)
        return []

    def _receive_content(self, event: ContentEvent, now: float) -> list[Effect]:
        match event:
            case ContentStart():
                return self._start_content(event, now)
            case AudioChunk():
                return self._take_audio(event, now)
            case ContentEnd():
                return self._end_content(event, now)
            case TextInput():
                self._take_text(event)
            case ToolResultInput():
                self._take_result(event)
        return []

    def _start_session(self, event: SessionStart) -> None:
        # One session per stream; a stream has several prompts only one after the other.
        if self._start is not None:
            raise invalid(INVALID_INPUT, "second sessionStart")
        self._start = event

    def _start_prompt(self, event: PromptStart) -> list[Effect]:
        if self._start is None:
            raise invalid(INVALID_INPUT, "promptStart before sessionStart")
        if self._prompt is not None:
            raise invalid(INVALID_INPUT, "promptStart while another prompt is open")
        self._check_voice(event)
        self._check_tools(event)
        # Every prompt starts with an empty history, even on the same stream.
        self._prompt = OpenedPrompt(event, self._start.sensitivity)
        self._audio_started = False
        self._history = History(self._limits)
        return [PromptOpened(self._prompt)]

    def _check_voice(self, event: PromptStart) -> None:
        voice = event.audio_output_configuration.voice_id
        if voice not in self._voices:
            raise invalid(VOICE.format(voice=voice))

    def _check_tools(self, event: PromptStart) -> None:
        tools = [tool.tool_spec for tool in event.tool_configuration.tools]
        # Tools are addressed by name, so names must be unique.
        if len({tool.name for tool in tools}) < len(tools):
            raise invalid(INVALID_INPUT, "two tools of one name")
        for tool in tools:
            tool_schema_rules.check(tool.input_schema.schema_, self._limits.tool_schema)

    def _open_prompt(self, name: str) -> OpenedPrompt:
        if self._prompt is None:
            raise invalid(INVALID_INPUT, "content outside a prompt")
        if self._prompt.name != name:
            raise invalid(INVALID_INPUT, "promptName of another prompt")
        return self._prompt

    def _start_content(self, event: ContentStart, now: float) -> list[Effect]:
        prompt = self._open_prompt(event.prompt_name)
        # Names are unique in a whole stream, not only in one prompt.
        if event.content_name in self._used_names:
            raise invalid(INVALID_INPUT, "contentName used before")
        # The system prompt must come first, because everything else is interpreted in its context.
        if not prompt.system and (event.type, event.role) != ("TEXT", "SYSTEM"):
            raise invalid(INVALID_INPUT, "the first content must be the system prompt")
        self._used_names.add(event.content_name)
        self._blocks[event.content_name] = _Block(event)
        match event.type:
            case "AUDIO":
                return self._open_audio(event, prompt, now)
            case "TOOL":
                self._open_tool(event)
            case "TEXT":
                self._open_text(event)
        return []

    def _open_audio(self, event: ContentStart, prompt: OpenedPrompt, now: float) -> list[Effect]:
        configuration = event.audio_input_configuration
        if configuration is None or event.role != "USER":
            raise invalid(INVALID_INPUT, "AUDIO needs role USER and audioInputConfiguration")
        # One caller speaks at a time.
        if any(block.start.type == "AUDIO" for name, block in self._blocks.items() if name != event.content_name):
            raise invalid(INVALID_INPUT, "a second AUDIO content")
        self._history.check_settled(self._at)
        # The content filter sees a history only when the conversation starts, as in the service.
        screen("\n".join(text for _, text in prompt.history), self._limits.blocked_words)
        self._audio_started = True
        self._heard = now
        return [AudioOpened(configuration.sample_rate_hertz)]

    def _open_tool(self, event: ContentStart) -> None:
        configuration = event.tool_result_input_configuration
        if configuration is None or event.role != "TOOL":
            raise invalid(INVALID_INPUT, "TOOL needs role TOOL and toolResultInputConfiguration")
        self.tool_results.check_expected(configuration.tool_use_id)

    def _open_text(self, event: ContentStart) -> None:
        if event.role == "TOOL":
            raise invalid(INVALID_INPUT, "TEXT with role TOOL")
        if any(block.start.type == "TEXT" for name, block in self._blocks.items() if name != event.content_name):
            raise invalid(INVALID_INPUT, "a second TEXT content while one is open")
        # Interactive text is part of the conversation, everything else is its context.
        if event.interactive or event.role == "SYSTEM_SPEECH":
            if not self._audio_started:
                raise invalid(INVALID_INPUT, "interactive text before the audio content")
            return
        # Context must come before the conversation.
        if self._audio_started:
            raise invalid(HISTORY_AFTER_AUDIO)
        if _is_history(event):
            self._history.open(event.role)

    def _block(self, event: TextInput | AudioChunk | ToolResultInput | ContentEnd, kind: str) -> _Block:
        self._open_prompt(event.prompt_name)
        block = self._blocks.get(event.content_name)
        if block is None or kind not in ("", block.start.type):
            raise invalid(INVALID_INPUT, "no such content is open")
        return block

    def _take_text(self, event: TextInput) -> None:
        block = self._block(event, "TEXT")
        block.pieces.append(event.content)
        block.received = True
        if _is_history(block.start):
            self._history.add(event.content)

    def _take_audio(self, event: AudioChunk, now: float) -> list[Effect]:
        block = self._block(event, "AUDIO")
        # Some model versions reject audio while a tool result is missing, see limits.
        self.tool_results.check_audio(self._at)
        pcm = event.pcm()
        block.received = block.received or bool(pcm)
        # Empty audio does not keep a stream open.
        if pcm and (self._limits.silence_counts or _audible(pcm)):
            self._heard = now
        return [CallerAudio(pcm)]

    def _take_result(self, event: ToolResultInput) -> None:
        block = self._block(event, "TOOL")
        block.pieces.append(event.content)
        block.received = True

    def _end_content(self, event: ContentEnd, now: float) -> list[Effect]:
        block = self._block(event, "")
        # The service rejects blocks without content, which clients send by mistake when a text is empty.
        if not block.received:
            raise invalid(EMPTY_CONTENT)
        del self._blocks[event.content_name]
        match block.start.type:
            case "AUDIO":
                return [AudioClosed()]
            case "TOOL":
                return [self._answer(block)]
            case "TEXT":
                return self._note(block, now)

    def _answer(self, block: _Block) -> ToolAnswered:
        # A result belongs to its tool use, whatever the order of the results.
        configuration = block.start.tool_result_input_configuration
        tool_use_id = configuration.tool_use_id if configuration else ""
        return ToolAnswered(tool_use_id, self.tool_results.take(tool_use_id, "".join(block.pieces)))

    def _note(self, block: _Block, now: float) -> list[Effect]:
        prompt = self._open_prompt(block.start.prompt_name)
        text = "".join(block.pieces)
        if block.start.role == "SYSTEM":
            # Never empty once it has been sent: an empty one means that it is still missing.
            prompt.system = f"{prompt.system}\n{text}".strip() or " "
        elif block.start.interactive:
            # Typed text counts as activity, like audio.
            self._heard = now
            return [CallerText(text)]
        elif _is_history(block.start):
            prompt.history.append((block.start.role, text))
            self._history.end(self._at)
        return []

    def _end_prompt(self, event: PromptEnd) -> list[Effect]:
        self._open_prompt(event.prompt_name)
        # A client that ends a prompt with open blocks has lost track of them.
        if self._blocks:
            raise invalid(OPEN_CONTENTS, f"{len(self._blocks)} open")
        self._prompt = None
        return [PromptClosed()]

    def _end_session(self) -> list[Effect]:
        if self._start is None:
            raise invalid(INVALID_INPUT, "sessionEnd before sessionStart")
        if self._prompt is not None:
            raise invalid(INVALID_INPUT, "sessionEnd while a prompt is open")
        self._ended = True
        return [SessionClosed()]


def _is_history(start: ContentStart) -> bool:
    return start.type == "TEXT" and start.role in ("USER", "ASSISTANT") and not start.interactive


def _audible(pcm: bytes) -> bool:
    samples = memoryview(pcm).cast("h")
    return max(samples) > AUDIBLE or min(samples) < -AUDIBLE
