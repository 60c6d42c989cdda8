"""Encode and parse Nova Sonic's events. No I/O.

Source: Amazon Nova user guide, "Input events" and "Output events". Audio is 16-bit mono little-endian LPCM.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from agent_core.errors import ProtocolError


class Role(StrEnum):
    """Who speaks in a block of content."""

    SYSTEM = "SYSTEM"
    USER = "USER"
    ASSISTANT = "ASSISTANT"
    TOOL = "TOOL"


class StopReason(StrEnum):
    """Why a block of content ended.

    An unknown reason ends a block of audio for good (``END_TURN``): a reply that never ends would cost the caller a
    healthy stream. In a block of text it is ``PARTIAL_TURN``.
    """

    PARTIAL_TURN = "PARTIAL_TURN"
    END_TURN = "END_TURN"
    INTERRUPTED = "INTERRUPTED"
    TOOL_USE = "TOOL_USE"


@dataclass(frozen=True, slots=True)
class WireToolSpec:
    """A tool as the model sees it. ``schema`` is a JSON schema of an object."""

    name: str
    description: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Inference:
    """How freely the model speaks."""

    max_tokens: int = 1024
    top_p: float = 0.9
    temperature: float = 0.7


@dataclass(frozen=True, slots=True)
class CompletionStarted:
    """The first event of a session; the id is the model's own."""

    model_session_id: str


@dataclass(frozen=True, slots=True)
class ContentStarted:
    """A block begins. ``kind`` is TEXT, AUDIO or TOOL; ``speculative`` marks text that is planned, not yet spoken.

    ``sample_rate`` is the rate that a block of audio declares, in Hz; None if it declares none.
    """

    kind: str
    role: str
    speculative: bool
    sample_rate: int | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """Words: the caller's as the model understood them, or the agent's."""

    content: str


@dataclass(frozen=True, slots=True)
class AgentAudio:
    """A piece of the agent's audio."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class ToolUse:
    """The model requests a tool call.

    ``arguments`` is None if what the model sent is not a JSON object, however it was encoded (see ``_arguments``).
    """

    tool_use_id: str
    name: str
    arguments: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class ContentEnded:
    """A block ends."""

    kind: str
    reason: StopReason


@dataclass(frozen=True, slots=True)
class UserSpeechEnded:
    """The caller stopped speaking about 0.4 s ago; their words follow. Only Nova 2.5 reports it."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens since the last report."""

    speech_input: int
    text_input: int
    speech_output: int
    text_output: int


@dataclass(frozen=True, slots=True)
class CompletionEnded:
    """The session has no more replies."""


@dataclass(frozen=True, slots=True)
class UnknownModelEvent:
    """An event that this version does not know; it is counted and ignored."""

    name: str


type ModelEvent = (
    CompletionStarted
    | ContentStarted
    | Text
    | AgentAudio
    | ToolUse
    | ContentEnded
    | UserSpeechEnded
    | Usage
    | CompletionEnded
    | UnknownModelEvent
)


def _event(name: str, **fields: object) -> bytes:
    return orjson.dumps({"event": {name: fields}})


def session_start(inference: Inference, endpointing: str | None) -> bytes:
    """Return the event that starts a session; ``endpointing`` is HIGH, MEDIUM or LOW."""
    fields: dict[str, Any] = {
        "inferenceConfiguration": {
            "maxTokens": inference.max_tokens,
            "topP": inference.top_p,
            "temperature": inference.temperature,
        }
    }
    if endpointing is not None:
        fields["turnDetectionConfiguration"] = {"endpointingSensitivity": endpointing}
    return _event("sessionStart", **fields)


def prompt_start(prompt: str, *, voice: str, sample_rate: int, tools: Sequence[WireToolSpec]) -> bytes:
    """Return the event that starts a prompt: the voice, its sample rate in Hz (8000, 16000 or 24000) and the tools."""
    fields: dict[str, Any] = {
        "promptName": prompt,
        "textOutputConfiguration": {"mediaType": "text/plain"},
        "audioOutputConfiguration": _lpcm(sample_rate) | {"voiceId": voice},
    }
    if tools:
        fields["toolUseOutputConfiguration"] = {"mediaType": "application/json"}
        fields["toolConfiguration"] = {"tools": [_tool(tool) for tool in tools]}
    return _event("promptStart", **fields)


def _tool(tool: WireToolSpec) -> dict[str, Any]:
    schema = orjson.dumps(tool.schema).decode()
    return {"toolSpec": {"name": tool.name, "description": tool.description, "inputSchema": {"json": schema}}}


def _lpcm(sample_rate: int) -> dict[str, Any]:
    return {
        "mediaType": "audio/lpcm",
        "sampleRateHertz": sample_rate,
        "sampleSizeBits": 16,
        "channelCount": 1,
        "encoding": "base64",
        "audioType": "SPEECH",
    }


def interrupts(words: str) -> bool:
    """Return whether a text is the older sign of a barge-in: ``{"interrupted": true}``, with any whitespace."""
    if "interrupted" not in words:
        return False
    try:
        value = orjson.loads(words)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, dict) and value.get("interrupted") is True


def text(prompt: str, content: str, role: Role, words: str, *, interactive: bool) -> list[bytes]:
    """Return the events of one block of text; the model replies to it if it is interactive."""
    start = _event(
        "contentStart",
        promptName=prompt,
        contentName=content,
        type="TEXT",
        interactive=interactive,
        role=role,
        textInputConfiguration={"mediaType": "text/plain"},
    )
    return [start, _event("textInput", promptName=prompt, contentName=content, content=words), end(prompt, content)]


def tool_result(prompt: str, content: str, tool_use_id: str, result: dict[str, Any]) -> list[bytes]:
    """Return the events of a tool's result."""
    start = _event(
        "contentStart",
        promptName=prompt,
        contentName=content,
        type="TOOL",
        interactive=False,
        role=Role.TOOL,
        toolResultInputConfiguration={
            "toolUseId": tool_use_id,
            "type": "TEXT",
            "textInputConfiguration": {"mediaType": "text/plain"},
        },
    )
    body = orjson.dumps(result).decode()
    return [start, _event("toolResult", promptName=prompt, contentName=content, content=body), end(prompt, content)]


def audio_start(prompt: str, content: str, sample_rate: int) -> bytes:
    """Return the event that opens the caller's audio input at ``sample_rate`` Hz."""
    return _event(
        "contentStart",
        promptName=prompt,
        contentName=content,
        type="AUDIO",
        interactive=True,
        role=Role.USER,
        audioInputConfiguration=_lpcm(sample_rate),
    )


class AudioInputEncoder:
    """Encodes the caller's audio; everything but the audio is the same in each event and is encoded once."""

    def __init__(self, prompt: str, content: str) -> None:
        empty = _event("audioInput", promptName=prompt, contentName=content, content="")
        self._head, self._tail = empty[:-4], empty[-4:]  # …"content":" and "}}}

    def encode(self, pcm: bytes) -> bytes:
        """Return one ``audioInput`` event."""
        return b"%b%b%b" % (self._head, base64.b64encode(pcm), self._tail)


def end(prompt: str, content: str) -> bytes:
    """Return the event that ends a block of content."""
    return _event("contentEnd", promptName=prompt, contentName=content)


def prompt_end(prompt: str) -> bytes:
    """Return the event that ends the prompt; every block must be ended before."""
    return _event("promptEnd", promptName=prompt)


def session_end() -> bytes:
    """Return the event that ends the session."""
    return _event("sessionEnd")


def parse(payload: bytes) -> ModelEvent:
    """Parse one event of the model.

    Raises:
        ProtocolError: the payload is not a valid event; the stream may still continue.
    """
    try:
        # Each payload holds one event: the only key of the object names it.
        name, body = next(iter(orjson.loads(payload)["event"].items()))
        parser = _PARSERS.get(name)
        return parser(body) if parser else UnknownModelEvent(name)
    except (ValueError, TypeError, AttributeError, KeyError, StopIteration) as error:
        raise ProtocolError(f"the model sent no valid event: {type(error).__name__}") from error


def _parse_content_start(body: dict[str, Any]) -> ContentStarted:
    # Nova sends these fields as a JSON object inside a string; an object is accepted too.
    extra = body.get("additionalModelFields") or {}
    if isinstance(extra, str):
        extra = orjson.loads(extra)
    configuration = body.get("audioOutputConfiguration") or {}
    return ContentStarted(
        _str(body["type"]),
        _str(body["role"]),
        speculative=extra.get("generationStage") == "SPECULATIVE",
        sample_rate=_optional_int(configuration.get("sampleRateHertz")),
    )


def _parse_audio(body: dict[str, Any]) -> AgentAudio:
    pcm = base64.b64decode(body["content"], validate=True)
    return AgentAudio(pcm[: len(pcm) & ~1])  # half a sample would shift every later sample


def _parse_tool_use(body: dict[str, Any]) -> ToolUse:
    return ToolUse(_str(body["toolUseId"]), _str(body["toolName"]), _arguments(body.get("content")))


def _arguments(content: object) -> dict[str, Any] | None:
    """Decode a tool call's arguments: a JSON object, possibly wrapped in several layers of JSON strings.

    Nova Sonic sometimes encodes the object twice (livekit/agents PRs 5409 and 5411). A tool without parameters may come
    with an empty string.
    """
    for _ in range(_MAX_LAYERS):
        if not isinstance(content, str):
            break
        if not content.strip():
            return {}
        try:
            content = orjson.loads(content)
        except orjson.JSONDecodeError:
            return None
    return content if isinstance(content, dict) else None


def _parse_content_end(body: dict[str, Any]) -> ContentEnded:
    kind, reason = _str(body.get("type", "")), body.get("stopReason")
    unknown = StopReason.END_TURN if kind == "AUDIO" else StopReason.PARTIAL_TURN
    return ContentEnded(kind, _STOP_REASONS.get(reason, unknown) if isinstance(reason, str) else unknown)


def _parse_usage(body: dict[str, Any]) -> Usage:
    # Nova reports totals as well; the deltas can be summed over several streams.
    delta = body.get("details", {}).get("delta", {})
    sides = (delta.get("input", {}), delta.get("output", {}))
    return Usage(*(_int(side.get(f"{kind}Tokens", 0)) for side in sides for kind in ("speech", "text")))


def _str(value: object) -> str:
    """Reject a value that is not a string, because later code relies on it."""
    if type(value) is not str:
        raise TypeError(type(value).__name__)
    return value


def _int(value: object) -> int:
    if type(value) is float and value.is_integer():
        return int(value)
    if type(value) is not int:
        raise TypeError(type(value).__name__)
    return value


def _optional_int(value: object) -> int | None:
    return None if value is None else _int(value)


_MAX_LAYERS = 4
"""Most nested JSON strings that are decoded; two were seen in the field."""

_STOP_REASONS: dict[object, StopReason] = {reason.value: reason for reason in StopReason}

_PARSERS: dict[str, Callable[[dict[str, Any]], ModelEvent]] = {
    "completionStart": lambda body: CompletionStarted(_str(body.get("sessionId", ""))),
    "contentStart": _parse_content_start,
    "textOutput": lambda body: Text(_str(body["content"])),
    "audioOutput": _parse_audio,
    "toolUse": _parse_tool_use,
    "contentEnd": _parse_content_end,
    "userSpeechEnd": lambda _: UserSpeechEnded(),
    "usageEvent": _parse_usage,
    "completionEnd": lambda _: CompletionEnded(),
}
