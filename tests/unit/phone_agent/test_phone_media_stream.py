"""The codec of Twilio Media Streams accepts the documented messages, and rejects everything else."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phone_agent import media_stream
from phone_agent.media_stream import (
    MAX_PAYLOAD,
    MAX_TEXT,
    CallerMedia,
    Connected,
    Dtmf,
    MalformedMessage,
    MarkReturned,
    StreamStarted,
    StreamStopped,
    UnknownStreamEvent,
    decode,
)

STREAM = "MZ18ad3ab5a668481ce02b83e7395059f0"
MALFORMED = json.loads((Path(__file__).parents[2] / "fixtures/twilio/malformed_messages.json").read_text("utf-8"))
START: dict[str, Any] = {
    "event": "start",
    "sequenceNumber": "1",
    "start": {
        "accountSid": "AC" + "0" * 32,
        "streamSid": STREAM,
        "callSid": "CA" + "1" * 32,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"ticket": "abc"},
    },
    "streamSid": STREAM,
}


def media_text(payload: bytes = b"\xff" * 160, **changes: object) -> str:
    """Return a media message as Twilio writes it."""
    body = {"track": "inbound", "chunk": "2", "timestamp": "20", "payload": b64encode(payload).decode()}
    return json.dumps({"event": "media", "sequenceNumber": "4", "media": body, "streamSid": STREAM} | changes)


def start_with(path: str, value: object) -> dict[str, Any]:
    """Copy the start message with one part of ``start`` changed."""
    message: dict[str, Any] = json.loads(json.dumps(START))
    message["start"][path] = value
    return message


@pytest.mark.parametrize("case", MALFORMED, ids=lambda case: case["name"])
def test_malformed_message_is_refused_with_its_reason(case: dict[str, str]) -> None:
    """Each kind of malformed message has a reason of its own, which repeats none of its content."""
    with pytest.raises(MalformedMessage) as refusal:
        decode(case["text"].replace("$STREAM_SID", STREAM))
    assert refusal.value.reason == case["reason"]


def test_malformed_message_closes_as_policy() -> None:
    """The close code is 1008, not WebSocket's own 1002, since the peer is a stranger."""
    assert MalformedMessage("json").close_code == 1008


def test_there_are_enough_kinds_of_malformed_messages() -> None:
    """The catalogue of malformed messages keeps its size."""
    assert len({case["name"] for case in MALFORMED}) == len(MALFORMED) >= 50


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"event": "connected", "protocol": "Call", "version": "1.0.0"}, Connected("Call")),
        (json.loads(media_text()), CallerMedia(STREAM, 4, 2, 20, b"\xff" * 160)),
        (
            {
                "event": "dtmf",
                "streamSid": STREAM,
                "sequenceNumber": "5",
                "dtmf": {"track": "inbound_track", "digit": "#"},
            },
            Dtmf(STREAM, "#"),
        ),
        (
            {"event": "mark", "sequenceNumber": "4", "streamSid": STREAM, "mark": {"name": "a1"}},
            MarkReturned(STREAM, "a1"),
        ),
        (
            {
                "event": "stop",
                "sequenceNumber": "5",
                "streamSid": STREAM,
                "stop": {"accountSid": "AC0", "callSid": "CA1"},
            },
            StreamStopped(STREAM),
        ),
        ({"event": "lunch", "streamSid": STREAM}, UnknownStreamEvent("lunch")),
        (
            START,
            StreamStarted(
                stream_sid=STREAM,
                call_sid="CA" + "1" * 32,
                account_sid="AC" + "0" * 32,
                parameters={"ticket": "abc"},
                encoding="audio/x-mulaw",
                sample_rate=8000,
                channels=1,
                tracks=("inbound",),
            ),
        ),
    ],
)
def test_documented_message_is_understood(message: dict[str, Any], expected: object) -> None:
    """The messages of Twilio's documentation are decoded as documented."""
    assert decode(json.dumps(message)) == expected


def test_bytes_are_read_like_text() -> None:
    """A server that passes the frame undecoded gets the same event."""
    assert decode(media_text().encode()) == decode(media_text())


@pytest.mark.parametrize("text", [b'{"event":"\xff"}', '{"event":"\ud800"}'], ids=["bytes", "half a surrogate"])
def test_text_that_is_no_utf8_is_malformed(text: str | bytes) -> None:
    """Invalid bytes and a str that cannot be UTF-8 raise no encoding error."""
    with pytest.raises(MalformedMessage):
        decode(text)


def test_fields_that_twilio_may_add_are_ignored() -> None:
    """An unknown field does not end a call."""
    assert decode(media_text(region="us1")) == decode(media_text())


def test_numbers_may_be_numbers() -> None:
    """Numbers are accepted as numbers, since Twilio documents strings of digits but shows numbers in places."""
    body = {"track": "inbound", "chunk": 2, "timestamp": 20, "payload": b64encode(b"\xff").decode()}
    assert decode(media_text(sequenceNumber=4, media=body)) == CallerMedia(STREAM, 4, 2, 20, b"\xff")


def test_stream_without_parameters_is_understood() -> None:
    """A start without parameters is decoded: the codec does not decide whether the stream token may be missing."""
    message: dict[str, Any] = json.loads(json.dumps(START))
    del message["start"]["customParameters"]
    decoded = decode(json.dumps(message))
    assert isinstance(decoded, StreamStarted)
    assert decoded.parameters == {}


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("callSid", None, "sid"),
        ("accountSid", {}, "sid"),
        ("streamSid", "MZ" + "9" * 32, "stream_sid"),
        ("mediaFormat", "audio/x-mulaw", "media_format"),
        ("mediaFormat", {"encoding": "audio/x-mulaw", "sampleRate": [], "channels": 1}, "sample_rate"),
        ("tracks", "inbound", "tracks"),
        ("tracks", [["inbound"]], "tracks"),
        ("customParameters", ["ticket"], "parameters"),
        ("customParameters", {"ticket": None}, "parameters"),
    ],
)
def test_incomplete_start_is_malformed(field: str, value: object, reason: str) -> None:
    """A stream begins only when its start is complete and each part has the right type."""
    with pytest.raises(MalformedMessage) as refusal:
        decode(json.dumps(start_with(field, value)))
    assert refusal.value.reason == reason


@pytest.mark.parametrize("length", [1, 160, 161, MAX_PAYLOAD])
def test_sound_of_any_length_is_accepted(length: int) -> None:
    """Twilio does not promise 20 ms, so the codec does not depend on it."""
    message = decode(media_text(bytes(length)))
    assert isinstance(message, CallerMedia)
    assert len(message.payload) == length


def test_oversized_sound_is_refused() -> None:
    """One message cannot fill the path to the model with more than a second of audio."""
    with pytest.raises(MalformedMessage) as refusal:
        decode(media_text(bytes(MAX_PAYLOAD + 1)))
    assert refusal.value.reason == "payload_length"


def test_oversized_text_is_refused_unread() -> None:
    """A text that is too long is rejected before its content is read."""
    with pytest.raises(MalformedMessage) as refusal:
        decode("[" * (MAX_TEXT + 1))
    assert refusal.value.reason == "too_long"


def test_nesting_as_deep_as_the_text_allows_is_malformed() -> None:
    """Sixty thousand brackets exhaust neither a thread nor a stack."""
    with pytest.raises(MalformedMessage):
        decode('{"a":' * 13_000)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    *("event", "sequenceNumber", "streamSid", "media", "start", "dtmf", "mark", "stop", "protocol", "track", "chunk"),
    *("timestamp", "payload", "digit", "name", "callSid", "accountSid", "tracks", "mediaFormat", "customParameters"),
]
NEAR_MESSAGES = st.dictionaries(
    st.sampled_from(FIELDS), JSON_VALUES | st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES, max_size=6), max_size=8
)


@settings(derandomize=True)
@given(st.text() | st.binary())
def test_any_text_is_an_event_or_malformed(text: str | bytes) -> None:
    """Any text raises at most the one error that the media stream expects."""
    try:
        decode(text)
    except MalformedMessage as refusal:
        assert refusal.reason  # noqa: PT017 - decoding may also succeed


@settings(derandomize=True)
@given(NEAR_MESSAGES, st.sampled_from(["media", "start", "dtmf", "mark", "stop", "connected", None]))
def test_any_object_is_an_event_or_malformed(message: dict[str, Any], event: str | None) -> None:
    """Any JSON with the right names in the wrong places raises at most that error, too."""
    if event is not None:
        message["event"] = event
    try:
        decode(json.dumps(message))
    except MalformedMessage as refusal:
        assert refusal.reason  # noqa: PT017 - decoding may also succeed


@settings(derandomize=True)
@given(st.binary(min_size=1, max_size=MAX_PAYLOAD))
def test_sound_survives_both_ways(ulaw: bytes) -> None:
    """A reader of the documented format decodes the audio that the codec sent."""
    sent = json.loads(media_stream.media(STREAM, ulaw))
    body = {"track": "inbound", "chunk": "1", "timestamp": "0"} | sent["media"]
    received = decode(json.dumps(sent | {"sequenceNumber": "2", "media": body}))
    assert isinstance(received, CallerMedia)
    assert received.payload == ulaw


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            media_stream.media(STREAM, b"\x00\xff"),
            {"event": "media", "streamSid": STREAM, "media": {"payload": "AP8="}},
        ),
        (
            media_stream.mark(STREAM, 'a "quoted" name'),
            {"event": "mark", "streamSid": STREAM, "mark": {"name": 'a "quoted" name'}},
        ),
        (media_stream.clear(STREAM), {"event": "clear", "streamSid": STREAM}),
    ],
)
def test_sent_message_has_exactly_the_documented_fields(text: str, expected: dict[str, Any]) -> None:
    """A sent message has exactly the documented fields: Twilio warns with 31951 otherwise."""
    assert json.loads(text) == expected
