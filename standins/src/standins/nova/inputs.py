"""Parses and validates the events that a client sends, one by one. `session` checks their order."""

import binascii
import json
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from standins.nova.errors import MALFORMED, UNPARSABLE, invalid

type SampleRate = Literal[8000, 16000, 24000]


def _json_object(text: object) -> object:
    """Parse a tool's schema, which is sent as a JSON string."""
    if not isinstance(text, str):
        raise TypeError("must be a JSON string")
    return json.loads(text)


class _Event(BaseModel):
    """Field names are camelCase in JSON; unknown fields are ignored, as the service does."""

    # Frozen, because events are passed around and kept in records.
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="ignore")


class InferenceConfiguration(_Event):
    """Sampling parameters; the stand-in checks their ranges and has no other use for them."""

    max_tokens: int = Field(default=1024, ge=1)
    top_p: float = Field(default=0.9, ge=0, le=1)
    temperature: float = Field(default=0.7, ge=0, le=1)


class TurnDetection(_Event):
    """How soon a pause ends the caller's turn."""

    endpointing_sensitivity: Literal["HIGH", "MEDIUM", "LOW"] = "HIGH"


class SessionStart(_Event):
    """First event of a stream."""

    # All fields are optional in the service, with these defaults.
    inference_configuration: InferenceConfiguration = InferenceConfiguration()
    turn_detection_configuration: TurnDetection | None = None

    @property
    def sensitivity(self) -> str | None:
        """Endpointing sensitivity, if the client sets it."""
        asked = self.turn_detection_configuration
        return asked.endpointing_sensitivity if asked else None


class AudioFormat(_Event):
    """16-bit mono linear PCM at one of three rates."""

    media_type: Literal["audio/lpcm"]
    sample_rate_hertz: SampleRate
    sample_size_bits: Literal[16]
    channel_count: Literal[1]
    encoding: Literal["base64"] = "base64"
    audio_type: Literal["SPEECH"] = "SPEECH"


class VoiceFormat(AudioFormat):
    """Audio format and voice of the replies."""

    voice_id: str = "matthew"


class InputSchema(_Event):
    """JSON Schema of a tool's arguments."""

    schema_: Annotated[dict[str, object], BeforeValidator(_json_object), Field(alias="json")]


class ToolSpecification(_Event):
    """A tool that the model may use."""

    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")
    description: str = ""
    input_schema: InputSchema


class ToolEntry(_Event):
    """One entry of the tool list."""

    tool_spec: ToolSpecification


class ToolConfiguration(_Event):
    """Tools of a prompt."""

    tools: tuple[ToolEntry, ...] = ()


class PromptStart(_Event):
    """Opens a conversation: voice, audio format and tools."""

    prompt_name: str = Field(min_length=1)
    audio_output_configuration: VoiceFormat
    tool_configuration: ToolConfiguration = ToolConfiguration()


class ToolResultConfiguration(_Event):
    """Names the tool use that a result belongs to."""

    tool_use_id: str
    type: Literal["TEXT"]


class ContentStart(_Event):
    """Opens a block of text, of audio, or of a tool result."""

    prompt_name: str
    content_name: str = Field(min_length=1)
    type: Literal["TEXT", "AUDIO", "TOOL"]
    role: Literal["SYSTEM", "USER", "ASSISTANT", "TOOL", "SYSTEM_SPEECH"]
    interactive: bool = False
    audio_input_configuration: AudioFormat | None = None
    tool_result_input_configuration: ToolResultConfiguration | None = None


class _Content(_Event):
    prompt_name: str
    content_name: str


class TextInput(_Content):
    """Text of the open TEXT block."""

    content: str


class AudioChunk(_Content):
    """Audio of the open AUDIO block."""

    content: str

    def pcm(self) -> bytes:
        """Return the samples.

        Raises:
            StreamFault: The content is not base64, or not whole samples.
        """
        try:
            # Strict: characters outside the alphabet are an error, not ignored.
            pcm = binascii.a2b_base64(self.content, strict_mode=True)
        except ValueError as broken:
            raise invalid(MALFORMED, "audioInput is not base64") from broken
        if len(pcm) % 2:
            raise invalid(MALFORMED, "audioInput ends in half a sample")
        return pcm


class ToolResultInput(_Content):
    """Result of a tool, as a JSON string."""

    content: str


class ContentEnd(_Content):
    """Closes a block."""


class PromptEnd(_Event):
    """Closes the conversation."""

    prompt_name: str


class SessionEnd(_Event):
    """Last event of a stream."""


type ContentEvent = ContentStart | TextInput | AudioChunk | ToolResultInput | ContentEnd
type ClientEvent = SessionStart | PromptStart | ContentEvent | PromptEnd | SessionEnd

_SHAPES: dict[str, type[ClientEvent]] = {
    "sessionStart": SessionStart,
    "promptStart": PromptStart,
    "contentStart": ContentStart,
    "textInput": TextInput,
    "audioInput": AudioChunk,
    "toolResult": ToolResultInput,
    "contentEnd": ContentEnd,
    "promptEnd": PromptEnd,
    "sessionEnd": SessionEnd,
}


def parse(text: bytes) -> ClientEvent:
    """Parse `{"event": {name: {...}}}`.

    Raises:
        StreamFault: The text is not JSON, the event is unknown, or its fields are not valid.
    """
    try:
        envelope = json.loads(text)
    except (ValueError, RecursionError) as broken:
        # An envelope with several events is ambiguous.
        raise invalid(UNPARSABLE, "not JSON") from broken
    match envelope:
        case {"event": {**event}} if len(event) == 1:
            (name, body), *_ = event.items()
        case _:
            raise invalid(MALFORMED, "not one event")
    if name not in _SHAPES:
        raise invalid(MALFORMED, f"unknown event {name!r:.60}")
    try:
        return _SHAPES[name].model_validate(body)
    except ValidationError as broken:
        raise invalid(MALFORMED, _reason(name, broken)) from broken


def _reason(name: str, broken: ValidationError) -> str:
    # Pydantic's own text would contain the value, which may be what a caller said.
    return "; ".join(f"{name}.{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in broken.errors())
