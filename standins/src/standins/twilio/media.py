"""Encodes and decodes Media Streams messages: JSON text in both directions, without a socket.

Except in `start`, every number is a string; an application may send only `media`, `mark` and `clear`.
"""

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any, Final

from standins.twilio import mulaw

MALFORMED_MESSAGE: Final = "31951"
BINARY_MESSAGE: Final = "31950"
"""Twilio's error code for a binary frame."""
_FIELDS: Final = {
    "media": {"event", "streamSid", "media"},
    "mark": {"event", "streamSid", "mark"},
    "clear": {"event", "streamSid"},
}


class MalformedMessageError(Exception):
    """The application violated the protocol; Twilio ignores the message, and warns once per stream."""

    def __init__(self, reason: str, code: str = MALFORMED_MESSAGE) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True)
class QueuedAudio:
    """Audio to play to the caller, µ-law, of any length."""

    mulaw: bytes


@dataclass(frozen=True)
class QueuedMark:
    """A name that is sent back when everything before it has been played or cleared."""

    name: str


@dataclass(frozen=True)
class Clear:
    """Discard the queued audio."""


type Command = QueuedAudio | QueuedMark | Clear


def decode(text: str | bytes, stream_sid: str) -> Command:
    """Parse one message of the application.

    Raises:
        MalformedMessageError: Not JSON, an unknown event, a missing or extra field, another stream's SID, bad base64.
    """
    message = _load(text)
    event = message.get("event")
    if not isinstance(event, str) or event not in _FIELDS:
        reason = f"unknown event {event!r}"
        raise MalformedMessageError(reason)
    # Exact: Twilio reports missing as well as extra fields.
    if set(message) != _FIELDS[event]:
        reason = f"{event}: fields {sorted(message)} instead of {sorted(_FIELDS[event])}"
        raise MalformedMessageError(reason)
    if message["streamSid"] != stream_sid:
        reason = f"{event}: streamSid of another stream"
        raise MalformedMessageError(reason)
    if event == "media":
        # The two other messages have one text field at most.
        return QueuedAudio(_payload(_only(message, "media", "payload")))
    return QueuedMark(_only(message, "mark", "name")) if event == "mark" else Clear()


def _load(text: str | bytes) -> dict[str, Any]:
    if isinstance(text, bytes):
        reason = "a binary frame"
        raise MalformedMessageError(reason, BINARY_MESSAGE)
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "not JSON"
        raise MalformedMessageError(reason) from error
    if not isinstance(message, dict):
        reason = "not a JSON object"
        raise MalformedMessageError(reason)
    return message


def _only(message: dict[str, Any], part: str, name: str) -> str:
    inner = message[part]
    if not isinstance(inner, dict) or set(inner) != {name} or not isinstance(inner[name], str):
        reason = f"{part}: expected the one text field {name!r}"
        # A document that is nested too deeply raises RecursionError.
        raise MalformedMessageError(reason)
    value: str = inner[name]
    return value


def _payload(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        reason = "media: payload is not base64"
        raise MalformedMessageError(reason) from error


@dataclass
class Announcer:
    """Encodes the messages that Twilio sends on one stream, with sequence numbers."""

    account_sid: str
    call_sid: str
    stream_sid: str
    _sequence: int = 0
    _chunk: int = 0
    _sent: int = field(default=0)

    def connected(self) -> str:
        """Return `connected`, the only message without a stream SID and a sequence number."""
        return json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})

    def start(self, parameters: dict[str, str]) -> str:
        """Return `start`, which describes the stream."""
        return self._numbered(
            "start",
            start={
                "accountSid": self.account_sid,
                "streamSid": self.stream_sid,
                "callSid": self.call_sid,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": mulaw.RATE, "channels": 1},
                "customParameters": parameters,
            },
        )

    def media(self, frame: bytes) -> str:
        """Return `media` with the caller's audio. Its timestamp is the start of the frame, in ms since `start`."""
        self._chunk += 1
        # Derived from the bytes sent, so that it never drifts from the audio.
        timestamp = self._sent * 1000 // mulaw.RATE
        self._sent += len(frame)
        payload = base64.b64encode(frame).decode()
        return self._numbered(
            "media",
            media={"track": "inbound", "chunk": str(self._chunk), "timestamp": str(timestamp), "payload": payload},
        )

    def skip(self, frame: bytes) -> None:
        """Advance the timestamp without sending audio."""
        self._sent += len(frame)

    def dtmf(self, digit: str) -> str:
        """Return `dtmf` for a key that the caller pressed."""
        return self._numbered("dtmf", dtmf={"track": "inbound_track", "digit": digit})

    def mark(self, name: str) -> str:
        """Return `mark`, which echoes the application's mark."""
        return self._numbered("mark", mark={"name": name})

    def stop(self) -> str:
        """Return `stop`, the last message."""
        return self._numbered("stop", stop={"accountSid": self.account_sid, "callSid": self.call_sid})

    def _numbered(self, event: str, **body: object) -> str:
        self._sequence += 1
        return json.dumps({"event": event, "sequenceNumber": str(self._sequence), **body, "streamSid": self.stream_sid})
