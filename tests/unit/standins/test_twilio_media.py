"""Media Streams messages as text."""

import json
from typing import Any

import pytest

from standins.twilio.media import Announcer, Clear, MalformedMessageError, QueuedAudio, QueuedMark, decode

SID = "MZ1"


def _text(**message: Any) -> str:  # noqa: ANN401 - malformed on purpose
    return json.dumps(message)


def test_the_three_commands_are_understood() -> None:
    """An application may send `media`, `mark` and `clear`."""
    assert decode(_text(event="media", streamSid=SID, media={"payload": "/38="}), SID) == QueuedAudio(b"\xff\x7f")
    assert decode(_text(event="mark", streamSid=SID, mark={"name": "m"}), SID) == QueuedMark("m")
    assert decode(_text(event="clear", streamSid=SID), SID) == Clear()


@pytest.mark.parametrize(
    "text",
    [
        b"\x00",
        "",
        "hello",
        "[]",
        "[" * 100_000,
        _text(event="start", streamSid=SID),
        _text(event=["media"], streamSid=SID),
        _text(type="media", streamSid=SID),
        _text(event="clear"),
        _text(event="clear", streamSid="MZ2"),
        _text(event="clear", streamSid=SID, extra=1),
        _text(event="mark", streamSid=SID, mark={}),
        _text(event="mark", streamSid=SID, mark={"name": 1}),
        _text(event="mark", streamSid=SID, mark="m"),
        _text(event="media", streamSid=SID, media={"payload": "/38=", "track": "outbound"}),
        _text(event="media", streamSid=SID, media={"payload": "no base64!"}),
        _text(event="media", streamSid=SID, media={"payload": "/38"}),
        _text(event="media", streamSid=SID, media=None),
        _text(label="rtvi-ai", type="bot-ready", id="1"),
    ],
)
def test_everything_else_is_malformed(text: str | bytes) -> None:
    """Any other message gets warning 31951, or 31950 if it is not text, and is ignored."""
    with pytest.raises(MalformedMessageError) as malformed:
        decode(text, SID)
    assert malformed.value.code == ("31950" if isinstance(text, bytes) else "31951")


def test_messages_are_numbered_from_start_with_numbers_as_text() -> None:
    """Messages are numbered as text from `start`, and media also has chunk and timestamp."""
    announcer = Announcer("AC1", "CA1", SID)
    connected = json.loads(announcer.connected())
    start = json.loads(announcer.start({"ticket": "t"}))
    media = [json.loads(announcer.media(b"\xff" * 160)) for _ in range(2)]
    rest = [json.loads(text) for text in (announcer.dtmf("#"), announcer.mark("m"), announcer.stop())]
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert start == {
        "event": "start",
        "sequenceNumber": "1",
        "start": {
            "accountSid": "AC1",
            "streamSid": SID,
            "callSid": "CA1",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"ticket": "t"},
        },
        "streamSid": SID,
    }
    assert [(m["sequenceNumber"], m["media"]["chunk"], m["media"]["timestamp"]) for m in media] == [
        ("2", "1", "0"),
        ("3", "2", "20"),
    ]
    assert [(m["event"], m["sequenceNumber"], m["streamSid"]) for m in rest] == [
        ("dtmf", "4", SID),
        ("mark", "5", SID),
        ("stop", "6", SID),
    ]
    assert rest[0]["dtmf"] == {"track": "inbound_track", "digit": "#"}
    assert rest[2]["stop"] == {"accountSid": "AC1", "callSid": "CA1"}
