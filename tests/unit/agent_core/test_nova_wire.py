"""Nova Sonic's events on the wire: golden bytes out, parsed events in."""

import base64
import json
from typing import Any

import pytest

from agent_core.errors import ProtocolError
from agent_core.nova import wire
from agent_core.nova.wire import Inference, Role, StopReason, WireToolSpec

LPCM_8K = {
    "mediaType": "audio/lpcm",
    "sampleRateHertz": 8000,
    "sampleSizeBits": 16,
    "channelCount": 1,
    "encoding": "base64",
    "audioType": "SPEECH",
}
WEATHER = WireToolSpec(
    "get_weather", "Tells the weather.", {"type": "object", "properties": {"city": {"type": "string"}}}
)


def _body(name: str, event: bytes) -> dict[str, Any]:
    (known, body), *more = json.loads(event)["event"].items()
    assert (known, more) == (name, [])
    assert isinstance(body, dict)
    return body


def test_session_start() -> None:
    """The event has all inference settings, and endpointing only where it is configured."""
    inference = {"maxTokens": 1024, "topP": 0.9, "temperature": 0.7}
    assert _body("sessionStart", wire.session_start(Inference(), None)) == {"inferenceConfiguration": inference}
    assert _body("sessionStart", wire.session_start(Inference(10, 0.1, 0.2), "HIGH")) == {
        "inferenceConfiguration": {"maxTokens": 10, "topP": 0.1, "temperature": 0.2},
        "turnDetectionConfiguration": {"endpointingSensitivity": "HIGH"},
    }


def test_prompt_start() -> None:
    """A prompt without tools has no tool configuration; otherwise each schema is a JSON text inside the JSON."""
    bare = {
        "promptName": "p",
        "textOutputConfiguration": {"mediaType": "text/plain"},
        "audioOutputConfiguration": LPCM_8K | {"voiceId": "matthew"},
    }
    assert _body("promptStart", wire.prompt_start("p", voice="matthew", sample_rate=8000, tools=())) == bare
    equipped = _body("promptStart", wire.prompt_start("p", voice="matthew", sample_rate=8000, tools=(WEATHER,)))
    (tool,) = equipped.pop("toolConfiguration")["tools"]
    assert equipped == bare | {"toolUseOutputConfiguration": {"mediaType": "application/json"}}
    assert json.loads(tool["toolSpec"].pop("inputSchema")["json"]) == WEATHER.schema
    assert tool == {"toolSpec": {"name": "get_weather", "description": "Tells the weather."}}


def test_text_is_one_block() -> None:
    """Text is opened, sent and closed under one name."""
    start, words, end = wire.text("p", "c", Role.USER, 'ask "why" — now', interactive=True)
    assert _body("contentStart", start) == {
        "promptName": "p",
        "contentName": "c",
        "type": "TEXT",
        "interactive": True,
        "role": "USER",
        "textInputConfiguration": {"mediaType": "text/plain"},
    }
    assert _body("textInput", words) == {"promptName": "p", "contentName": "c", "content": 'ask "why" — now'}
    assert _body("contentEnd", end) == {"promptName": "p", "contentName": "c"}


def test_tool_result_is_one_block() -> None:
    """A result names its tool use and carries JSON as text."""
    start, result, end = wire.tool_result("p", "c", "use-1", {"temperature": 7})
    assert _body("contentStart", start) == {
        "promptName": "p",
        "contentName": "c",
        "type": "TOOL",
        "interactive": False,
        "role": "TOOL",
        "toolResultInputConfiguration": {
            "toolUseId": "use-1",
            "type": "TEXT",
            "textInputConfiguration": {"mediaType": "text/plain"},
        },
    }
    body = _body("toolResult", result)
    assert json.loads(body.pop("content")) == {"temperature": 7}
    assert body == {"promptName": "p", "contentName": "c"}
    assert _body("contentEnd", end) == {"promptName": "p", "contentName": "c"}


def test_audio_start_opens_the_microphone() -> None:
    """The caller's audio is interactive content of role USER."""
    assert _body("contentStart", wire.audio_start("p", "c", 8000)) == {
        "promptName": "p",
        "contentName": "c",
        "type": "AUDIO",
        "interactive": True,
        "role": "USER",
        "audioInputConfiguration": LPCM_8K,
    }


@pytest.mark.parametrize("pcm", [b"", b"\x00\x01", bytes(range(256)) * 5])
def test_audio_input_is_the_same_event_as_json_would_make(pcm: bytes) -> None:
    """The precomputed head and tail form a valid event around each piece of audio."""
    body = _body("audioInput", wire.AudioInputEncoder("p", 'c"\\').encode(pcm))
    assert base64.b64decode(body.pop("content"), validate=True) == pcm
    assert body == {"promptName": "p", "contentName": 'c"\\'}


def test_ends() -> None:
    """Prompt and session are closed by name only."""
    assert _body("promptEnd", wire.prompt_end("p")) == {"promptName": "p"}
    assert _body("sessionEnd", wire.session_end()) == {}


def _payload(name: str, **fields: object) -> bytes:
    return json.dumps({"event": {name: fields}}).encode()


def _tokens(speech: int, text: int) -> dict[str, int]:
    return {"speechTokens": speech, "textTokens": text}


SPECULATIVE = '{"generationStage":"SPECULATIVE"}'
DELTA = {"delta": {"input": _tokens(3, 4), "output": _tokens(5, 6)}}


@pytest.mark.parametrize(
    ("payload", "fact"),
    [
        (_payload("completionStart", sessionId="s", promptName="p"), wire.CompletionStarted("s")),
        (_payload("completionStart"), wire.CompletionStarted("")),
        (
            _payload("contentStart", type="TEXT", role="ASSISTANT", additionalModelFields=SPECULATIVE),
            wire.ContentStarted("TEXT", "ASSISTANT", speculative=True),
        ),
        (
            _payload("contentStart", type="TEXT", role="USER", additionalModelFields='{"generationStage":"FINAL"}'),
            wire.ContentStarted("TEXT", "USER", speculative=False),
        ),
        (
            _payload("contentStart", type="AUDIO", role="ASSISTANT"),
            wire.ContentStarted("AUDIO", "ASSISTANT", speculative=False),
        ),
        (_payload("textOutput", content="hello", role="USER"), wire.Text("hello")),
        (_payload("audioOutput", content="AAEC/w=="), wire.AgentAudio(b"\x00\x01\x02\xff")),
        (_payload("audioOutput", content=""), wire.AgentAudio(b"")),
        (_payload("audioOutput", content="AAEC"), wire.AgentAudio(b"\x00\x01")),
        (
            _payload("toolUse", toolUseId="u", toolName="t", content='{"city": "Oslo"}'),
            wire.ToolUse("u", "t", {"city": "Oslo"}),
        ),
        (_payload("toolUse", toolUseId="u", toolName="t", content="{Oslo"), wire.ToolUse("u", "t", None)),
        (_payload("toolUse", toolUseId="u", toolName="t", content="[1]"), wire.ToolUse("u", "t", None)),
        (_payload("toolUse", toolUseId="u", toolName="t"), wire.ToolUse("u", "t", None)),
        # Encoded twice (livekit/agents PR 5411), not at all, or empty for a tool without parameters.
        (
            _payload("toolUse", toolUseId="u", toolName="t", content=json.dumps(json.dumps({"city": "Oslo"}))),
            wire.ToolUse("u", "t", {"city": "Oslo"}),
        ),
        (
            _payload("toolUse", toolUseId="u", toolName="t", content={"city": "Oslo"}),
            wire.ToolUse("u", "t", {"city": "Oslo"}),
        ),
        (_payload("toolUse", toolUseId="u", toolName="t", content=""), wire.ToolUse("u", "t", {})),
        (_payload("toolUse", toolUseId="u", toolName="t", content='""'), wire.ToolUse("u", "t", {})),
        (_payload("toolUse", toolUseId="u", toolName="t", content='"[1]"'), wire.ToolUse("u", "t", None)),
        (_payload("userSpeechEnd"), wire.UserSpeechEnded()),
        (
            _payload("contentStart", type="TEXT", role="ASSISTANT", additionalModelFields={"generationStage": "FINAL"}),
            wire.ContentStarted("TEXT", "ASSISTANT", speculative=False),
        ),
        (
            _payload(
                "contentStart", type="AUDIO", role="ASSISTANT", audioOutputConfiguration={"sampleRateHertz": 24000}
            ),
            wire.ContentStarted("AUDIO", "ASSISTANT", speculative=False, sample_rate=24000),
        ),
        (_payload("contentEnd", type="AUDIO", stopReason="NEW"), wire.ContentEnded("AUDIO", StopReason.END_TURN)),
        (_payload("contentEnd", type="AUDIO", stopReason=[]), wire.ContentEnded("AUDIO", StopReason.END_TURN)),
        (
            _payload("usageEvent", details={"delta": {"input": {"speechTokens": 3.0}}}),
            wire.Usage(3, 0, 0, 0),
        ),
        (
            _payload("contentEnd", type="AUDIO", stopReason="END_TURN"),
            wire.ContentEnded("AUDIO", StopReason.END_TURN),
        ),
        (
            _payload("contentEnd", type="TEXT", stopReason="INTERRUPTED"),
            wire.ContentEnded("TEXT", StopReason.INTERRUPTED),
        ),
        (_payload("contentEnd", type="TOOL", stopReason="TOOL_USE"), wire.ContentEnded("TOOL", StopReason.TOOL_USE)),
        (_payload("contentEnd", stopReason="NEW_ONE"), wire.ContentEnded("", StopReason.PARTIAL_TURN)),
        (_payload("contentEnd"), wire.ContentEnded("", StopReason.PARTIAL_TURN)),
        (_payload("usageEvent", details=DELTA), wire.Usage(3, 4, 5, 6)),
        (_payload("usageEvent"), wire.Usage(0, 0, 0, 0)),
        (_payload("completionEnd", stopReason="END_TURN"), wire.CompletionEnded()),
        (_payload("moodRingEvent", colour="teal"), wire.UnknownModelEvent("moodRingEvent")),
    ],
)
def test_parse(payload: bytes, fact: wire.ModelEvent) -> None:
    """Every event of the guide, and every known variation, becomes one parsed event."""
    assert wire.parse(payload) == fact


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'"event"',
        b"7",
        b"{}",
        b'{"event": null}',
        b'{"event": {}}',
        b'{"event": []}',
        b'{"event": "textOutput"}',
        _payload("contentStart"),
        _payload("contentStart", type="TEXT"),
        _payload("contentStart", type="TEXT", role="USER", additionalModelFields="{"),
        _payload("contentStart", type="TEXT", role="USER", additionalModelFields="[]"),
        _payload("textOutput"),
        _payload("audioOutput"),
        _payload("audioOutput", content=None),
        _payload("audioOutput", content=7),
        _payload("audioOutput", content="AA=A"),
        _payload("audioOutput", content="ÿÿÿÿ"),
        _payload("toolUse", toolName="t", content="{}"),
        _payload("usageEvent", details=[]),
        _payload("usageEvent", details={"delta": {"input": {"speechTokens": "many"}}}),
        json.dumps({"event": {"textOutput": None}}).encode(),
        json.dumps({"event": {"contentEnd": "over"}}).encode(),
        b'{"event": {"textOutput": ' + b"[" * 2000 + b"]" * 2000 + b"}}",
        # A number in place of a text would surface as a defect far from here.
        _payload("textOutput", content=None),
        _payload("contentStart", type=7, role={}),
        _payload("toolUse", toolUseId=[], toolName="t", content="{}"),
        _payload("toolUse", toolUseId="u", toolName=7, content="{}"),
        _payload("completionStart", sessionId={}),
        _payload("contentEnd", type=None),
        _payload("usageEvent", details={"delta": {"input": {"speechTokens": 0.5}}}),
    ],
)
def test_nonsense_is_refused_in_one_way(payload: bytes) -> None:
    """Any invalid input raises the product's own error, which repeats nothing of the payload."""
    with pytest.raises(ProtocolError, match=r"^the model sent no valid event: \w+$"):
        wire.parse(payload)
