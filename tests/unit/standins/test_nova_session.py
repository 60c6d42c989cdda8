"""The rules of a session: what is allowed, and the literal error messages."""

import base64
import json
from typing import Any

import pytest

from standins.nova.effects import (
    AudioClosed,
    AudioOpened,
    CallerAudio,
    CallerText,
    Effect,
    PromptClosed,
    PromptOpened,
    SessionClosed,
    ToolAnswered,
)
from standins.nova.errors import StreamFault
from standins.nova.inputs import parse
from standins.nova.protocol_state import ProtocolState
from standins.nova.service_limits import ServiceLimits

NOVA_2 = "amazon.nova-2-sonic-v1:0"
PCM = {"mediaType": "audio/lpcm", "sampleRateHertz": 16000, "sampleSizeBits": 16, "channelCount": 1}
SILENCE = base64.b64encode(bytes(320)).decode()
SOUND = base64.b64encode(b"\x00\x40" * 160).decode()
INVALID = "Invalid input request, please fix your input and try again."

type Event = tuple[str, dict[str, Any]]


def event(name: str, **body: object) -> Event:
    """Return an event of the prompt `p`."""
    return name, body if name.startswith("session") else {"promptName": "p", **body}


def text(name: str, role: str, content: str, *, interactive: bool = False) -> list[Event]:
    """Return a block of text."""
    return [
        event("contentStart", contentName=name, type="TEXT", role=role, interactive=interactive),
        event("textInput", contentName=name, content=content),
        event("contentEnd", contentName=name),
    ]


def tool_result(tool_use_id: str, content: str, name: str = "t") -> list[Event]:
    """Return a block with a tool's result."""
    configuration = {"toolUseId": tool_use_id, "type": "TEXT"}
    return [
        event("contentStart", contentName=name, type="TOOL", role="TOOL", toolResultInputConfiguration=configuration),
        event("toolResult", contentName=name, content=content),
        event("contentEnd", contentName=name),
    ]


OPENING = [event("sessionStart"), event("promptStart", audioOutputConfiguration=PCM)]
SYSTEM = text("s", "SYSTEM", "Be kind.")
AUDIO = event("contentStart", contentName="a", type="AUDIO", role="USER", interactive=True, audioInputConfiguration=PCM)
SPEECH = event("audioInput", contentName="a", content=SOUND)
AUDIO_END = event("contentEnd", contentName="a")
READY = [*OPENING, *SYSTEM]
LISTENING = [*READY, AUDIO, SPEECH]


def play(
    events: list[Event], session: ProtocolState | None = None, now: float = 0.0, at: float | None = None
) -> list[Effect]:
    """Send events to a session and return its actions."""
    session = session or ProtocolState(NOVA_2, ServiceLimits(), 0.0)
    wire = [json.dumps({"event": {name: body}}).encode() for name, body in events]
    return [effect for one in wire for effect in session.receive(parse(one), now, at)]


def test_a_conversation_in_order_passes() -> None:
    """A valid conversation passes: system prompt, history, audio, typed text, a tool result and the end."""
    session = ProtocolState(NOVA_2, ServiceLimits(), 0.0)
    history = [*text("h1", "USER", "Hi"), *text("h2", "ASSISTANT", "Hello")]
    effects = play([*READY, *history], session)
    effects += play([AUDIO, SPEECH], session, now=0.05)
    session.tool_results.expect("tool-1", 0.0)
    effects += play([*text("i", "USER", "And now?", interactive=True), *tool_result("tool-1", '{"a": 1}')], session)
    effects += play([AUDIO_END, event("promptEnd"), event("sessionEnd")], session)
    opened = effects[0]
    assert isinstance(opened, PromptOpened)
    assert opened.prompt.system == "Be kind."
    assert opened.prompt.history == [("USER", "Hi"), ("ASSISTANT", "Hello")]
    assert effects[1:] == [
        AudioOpened(16000),
        CallerAudio(base64.b64decode(SOUND)),
        CallerText("And now?"),
        ToolAnswered("tool-1", {"a": 1}),
        AudioClosed(),
        PromptClosed(),
        SessionClosed(),
    ]


@pytest.mark.parametrize("rate", [8000, 16000, 24000])
def test_three_rates_are_spoken(rate: int) -> None:
    """Any of the documented sample rates is accepted."""
    start = event(
        "contentStart",
        contentName="a",
        type="AUDIO",
        role="USER",
        audioInputConfiguration=PCM | {"sampleRateHertz": rate},
    )
    assert play([*READY, start])[-1] == AudioOpened(rate)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        pytest.param(
            [*LISTENING, *text("h", "USER", "Hi")],
            "Chat history should be sent completely before streaming audio.",
            id="history after audio",
        ),
        pytest.param(
            [*LISTENING, event("promptEnd")],
            "Error(s):\nError 1 : All contents must be closed before ending prompt",
            id="open audio at promptEnd",
        ),
        pytest.param(
            [*READY, AUDIO, AUDIO_END], "Cannot end content as no content data was received", id="empty content"
        ),
        pytest.param([*LISTENING, *tool_result("nobody", "{}")], "Tool Response parsing error", id="unknown tool use"),
        pytest.param([AUDIO], INVALID, id="content before a prompt"),
        pytest.param([*OPENING, AUDIO], INVALID, id="audio before the system prompt"),
        pytest.param([*READY, *text("h", "ASSISTANT", "Hi")], INVALID, id="history begins with ASSISTANT"),
        pytest.param([event("promptStart", audioOutputConfiguration=PCM)], INVALID, id="prompt before session"),
        pytest.param([*OPENING, OPENING[1]], INVALID, id="second prompt"),
        pytest.param([OPENING[0], OPENING[0]], INVALID, id="second sessionStart"),
        pytest.param([*LISTENING, AUDIO], INVALID, id="contentName twice"),
        pytest.param([*READY, *text("i", "USER", "Hi", interactive=True)], INVALID, id="interactive text before audio"),
        pytest.param(
            [*READY, *text("h", "USER", "Hi")[:-1], *text("i", "ASSISTANT", "Yes")], INVALID, id="two texts open"
        ),
        pytest.param([*READY, SPEECH], INVALID, id="sound without a line"),
        pytest.param([*READY, event("contentEnd", contentName="zz")], INVALID, id="end of nothing"),
        pytest.param([*READY, event("sessionEnd")], INVALID, id="sessionEnd in a prompt"),
        pytest.param([*READY, event("promptEnd", promptName="other")], INVALID, id="another prompt's name"),
        pytest.param([OPENING[0], event("sessionEnd"), OPENING[1]], INVALID, id="after the end"),
    ],
)
def test_a_broken_rule_is_named(events: list[Event], message: str) -> None:
    """A broken rule of order or limits gets the service's own error message."""
    with pytest.raises(StreamFault) as fault:
        play(events)
    assert (fault.value.kind, fault.value.message) == ("validationException", message)


@pytest.mark.parametrize("result", ["plain words", '"a string"', "[1]", "{"])
def test_a_tool_result_must_be_a_json_object(result: str) -> None:
    """A tool result that is not a JSON object ends the stream."""
    session = ProtocolState(NOVA_2, ServiceLimits(), 0.0)
    play(LISTENING, session)
    session.tool_results.expect("tool-1", 0.0)
    with pytest.raises(StreamFault, match="Tool Response parsing error"):
        play(tool_result("tool-1", result), session)


def test_a_tool_use_takes_one_result() -> None:
    """A second result for the same tool use is rejected."""
    session = ProtocolState(NOVA_2, ServiceLimits(), 0.0)
    play(LISTENING, session)
    session.tool_results.expect("tool-1", 0.0)
    play(tool_result("tool-1", "{}"), session)
    with pytest.raises(StreamFault, match="Tool Response parsing error"):
        play(tool_result("tool-1", "{}", name="u"), session)


@pytest.mark.parametrize(
    "wire",
    [
        b"not json",
        b"[]",
        b'{"event": []}',
        b'{"event": {}}',
        b'{"event": {"nothingKnown": {}}}',
        b'{"event": {"sessionStart": {"inferenceConfiguration": {"temperature": 9}}}}',
        b'{"event": {"promptStart": {"promptName": "p"}}}',
        b'{"event": {"sessionStart": {}, "sessionEnd": {}}}',
        b"[" * 100_000,
    ],
)
def test_malformed_events_are_refused(wire: bytes) -> None:
    """Any malformed event gets a validation exception."""
    with pytest.raises(StreamFault) as fault:
        parse(wire)
    assert fault.value.kind == "validationException"


@pytest.mark.parametrize("content", ["@@@@", base64.b64encode(b"odd").decode()])
def test_sound_must_be_whole_samples(content: str) -> None:
    """Audio with bad base64 or half a sample is rejected."""
    with pytest.raises(StreamFault):
        play([*LISTENING, event("audioInput", contentName="a", content=content)])


@pytest.mark.parametrize(
    ("model", "seconds"), [("amazon.nova-sonic-v1:0", 55), (NOVA_2, 295), ("amazon.nova-2-5-sonic", 55)]
)
def test_a_silent_client_is_dropped(model: str, seconds: int) -> None:
    """A silent client is disconnected after its model generation's timeout, with its error message."""
    session = ProtocolState(model, ServiceLimits(), 0.0)
    play(LISTENING, session, now=100.0)
    assert session.deadline == min(480.0, 100.0 + seconds)
    session.check(100.0 + seconds - 0.1)
    with pytest.raises(StreamFault, match=f"less than {seconds} seconds"):
        session.check(100.0 + seconds)


@pytest.mark.parametrize(
    ("counts", "content", "kept"), [(True, SILENCE, True), (False, SILENCE, False), (False, SOUND, True)]
)
def test_silence_counts_unless_told_otherwise(counts: bool, content: str, kept: bool) -> None:  # noqa: FBT001
    """A setting decides whether silent audio counts as activity; audible audio always does."""
    session = ProtocolState(NOVA_2, ServiceLimits(silence_counts=counts), 0.0)
    play(LISTENING, session, now=0.0)
    play([event("audioInput", contentName="a", content=content)], session, now=200.0)
    assert session.deadline == (480.0 if kept else 295.0)


def test_eight_minutes_are_all() -> None:
    """An active stream also ends at the model's limit of eight minutes."""
    session = ProtocolState(NOVA_2, ServiceLimits(), 0.0)
    play(LISTENING, session, now=479.0)
    with pytest.raises(StreamFault, match="Model has timed out in processing the request") as fault:
        session.check(480.0)
    assert fault.value.kind == "modelTimeoutException"


def test_system_speech_and_interactive_text_pass_once_audio_is_open() -> None:
    """The role SYSTEM_SPEECH is accepted, and typed text may follow audio."""
    play([*LISTENING, *text("x", "SYSTEM_SPEECH", "Say hello.")])
    assert play([*LISTENING, *text("i", "USER", "Hello", interactive=True)])[-1] == CallerText("Hello")


REFUSING = ServiceLimits(audio_during_tools="refuse")


def waiting_for_a_tool(limits: ServiceLimits) -> ProtocolState:
    """Return a session whose model waits for the result of `tool-1` since second 10."""
    session = ProtocolState(NOVA_2, limits, 0.0)
    play(LISTENING, session)
    session.tool_results.expect("tool-1", 10.0)
    return session


def test_audio_during_a_tool_call_is_accepted_by_default() -> None:
    """By default audio during a tool call is accepted, because three libraries always send it."""
    assert play([SPEECH], waiting_for_a_tool(ServiceLimits()), now=20.0) == [CallerAudio(base64.b64decode(SOUND))]


@pytest.mark.parametrize("content", [SOUND, SILENCE])
def test_audio_during_a_tool_call_can_be_refused(content: str) -> None:
    """A setting rejects audio during a tool call, including silence, as one team observed."""
    with pytest.raises(StreamFault) as fault:
        play([event("audioInput", contentName="a", content=content)], waiting_for_a_tool(REFUSING), now=10.2)
    assert (fault.value.kind, fault.value.message) == ("validationException", INVALID)


def test_audio_that_was_on_its_way_is_not_refused() -> None:
    """Audio that was in transit at the tool call is not rejected."""
    session = waiting_for_a_tool(REFUSING)
    play([SPEECH], session, now=10.1)
    play(text("i", "USER", "Hello?", interactive=True), session, now=15.0)
    with pytest.raises(StreamFault):
        play([SPEECH], session, now=15.0)


def test_audio_goes_on_after_the_result() -> None:
    """Audio is accepted again after the last result or timeout, and a late result is accepted too."""
    session = waiting_for_a_tool(REFUSING)
    session.tool_results.expect("tool-2", 10.0)
    play(tool_result("tool-1", "{}"), session, now=15.0)
    session.tool_results.stop_waiting("tool-2")
    play([SPEECH], session, now=15.0)
    assert play(tool_result("tool-2", "{}", name="u"), session, now=16.0) == [ToolAnswered("tool-2", {})]
