"""Encode and decode Twilio Media Streams messages. No I/O, no state.

Every message is JSON with ``event``; numbers are strings. All documented fields are required; unknown ones are ignored,
because Twilio may add some. Sent messages have exactly the documented fields: one more or less makes Twilio warn
(31951).

Source: twilio.com/docs/voice/media-streams/websocket-messages.
"""

from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import orjson

from agent_core.errors import ProtocolError

MAX_TEXT: Final = 65_536
"""Most characters of one message. Twilio's have about 400; the server also closes the socket at 64 KiB."""
MAX_PAYLOAD: Final = 8_192
"""Most bytes of audio in one message: one second. Twilio sends 20 ms but does not guarantee it; one message must not
occupy the path to the model for longer than a person waits.
"""

_MAX_NUMBER_DIGITS: Final = 15
"""A sequence number this long takes a million years; more digits are slow to parse."""
_MAX_SID: Final = 64
_MAX_NAME: Final = 256
_DIGITS: Final = frozenset("0123456789*#ABCD")


class MalformedMessage(ProtocolError):
    """The text breaks the protocol; the reason names the field, never the content.

    It closes the socket only before ``start``, when the peer is still unauthenticated: a policy violation (1008),
    because WebSocket's own protocol (1002) was not broken.
    """

    close_code: ClassVar[int] = 1008


@dataclass(frozen=True, slots=True)
class Connected:
    """The socket is open. Contains nothing about the call."""

    protocol: str


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """The stream starts. ``parameters`` are those of the TwiML."""

    stream_sid: str
    call_sid: str
    account_sid: str
    parameters: dict[str, str]
    encoding: str
    sample_rate: int
    channels: int
    tracks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallerMedia:
    """Audio of the caller: µ-law, usually 160 bytes.

    Attributes:
        stream_sid: The stream it belongs to.
        sequence: Number of the message in the stream.
        chunk: Number of the piece of audio, from 1.
        timestamp_ms: Its time since the stream started.
        payload: µ-law codes, one byte per sample.
    """

    stream_sid: str
    sequence: int
    chunk: int
    timestamp_ms: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Dtmf:
    """The caller pressed a key."""

    stream_sid: str
    digit: str


@dataclass(frozen=True, slots=True)
class MarkReturned:
    """The audio before a mark of ours was played, or discarded by ``clear``."""

    stream_sid: str
    name: str


@dataclass(frozen=True, slots=True)
class StreamStopped:
    """The stream or the call is over."""

    stream_sid: str


@dataclass(frozen=True, slots=True)
class UnknownStreamEvent:
    """An event unknown to this version."""

    event: str


type Inbound = Connected | StreamStarted | CallerMedia | Dtmf | MarkReturned | StreamStopped | UnknownStreamEvent


def decode(text: str | bytes) -> Inbound:
    """Parse one message from Twilio.

    Raises:
        MalformedMessage: the text breaks the protocol. No other exception is raised, whatever the text.
    """
    if len(text) > MAX_TEXT:
        raise MalformedMessage("too_long")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise MalformedMessage("json") from None
    if type(message) is not dict:
        raise MalformedMessage("not_an_object")
    event = message.get("event")
    # First, because nearly all messages are audio.
    if event == "media":
        return _media(message)
    if type(event) is not str or not event:
        raise MalformedMessage("event")
    decoder = _DECODERS.get(event)
    return decoder(message) if decoder is not None else UnknownStreamEvent(event[:_MAX_NAME])


def media(stream_sid: str, ulaw: bytes) -> str:
    """Return a message with audio for the caller: µ-law without a header, of any length; Twilio plays it in order."""
    payload = b2a_base64(ulaw, newline=False).decode("ascii")
    return orjson.dumps({"event": "media", "streamSid": stream_sid, "media": {"payload": payload}}).decode()


def mark(stream_sid: str, name: str) -> str:
    """Return a mark message; Twilio echoes it when the audio before it has been played or cleared."""
    return orjson.dumps({"event": "mark", "streamSid": stream_sid, "mark": {"name": name}}).decode()


def clear(stream_sid: str) -> str:
    """Return the message that discards what has not been played."""
    return orjson.dumps({"event": "clear", "streamSid": stream_sid}).decode()


def _media(message: dict[str, Any]) -> CallerMedia:
    """Parse audio. Optimized, since it runs 50 times a second per call: wrong types surface as exceptions."""
    try:
        body = message["media"]
        payload = a2b_base64(body["payload"], strict_mode=True)
        track = body["track"]
        chunk, timestamp = body["chunk"], body["timestamp"]
        sequence = message["sequenceNumber"]
    except (KeyError, TypeError):
        raise MalformedMessage("media") from None
    except ValueError:  # includes binascii.Error, and the error that a non-ASCII letter raises
        raise MalformedMessage("payload") from None
    if not 0 < len(payload) <= MAX_PAYLOAD:
        raise MalformedMessage("payload_length")
    if track != "inbound":
        raise MalformedMessage("track")
    return CallerMedia(
        _sid(message.get("streamSid")),
        _number(sequence, "sequence"),
        _number(chunk, "chunk"),
        _number(timestamp, "timestamp"),
        payload,
    )


def _connected(message: dict[str, Any]) -> Connected:
    return Connected(protocol=_text(message.get("protocol"), "protocol"))


def _start(message: dict[str, Any]) -> StreamStarted:
    body = _object(message.get("start"), "start")
    sound = _object(body.get("mediaFormat"), "media_format")
    stream_sid = _sid(body.get("streamSid"))
    # Twilio sends the sid twice; a difference would mean a forged or broken message.
    if message.get("streamSid") != stream_sid:
        raise MalformedMessage("stream_sid")
    return StreamStarted(
        stream_sid=stream_sid,
        call_sid=_sid(body.get("callSid")),
        account_sid=_sid(body.get("accountSid")),
        parameters=_parameters(body.get("customParameters")),
        encoding=_text(sound.get("encoding"), "encoding"),
        sample_rate=_number(sound.get("sampleRate"), "sample_rate"),
        channels=_number(sound.get("channels"), "channels"),
        tracks=_tracks(body.get("tracks")),
    )


def _dtmf(message: dict[str, Any]) -> Dtmf:
    digit = _object(message.get("dtmf"), "dtmf").get("digit")
    if type(digit) is not str or digit not in _DIGITS:
        raise MalformedMessage("digit")
    return Dtmf(_sid(message.get("streamSid")), digit)


def _mark(message: dict[str, Any]) -> MarkReturned:
    name = _object(message.get("mark"), "mark").get("name")
    return MarkReturned(_sid(message.get("streamSid")), _text(name, "name"))


def _stop(message: dict[str, Any]) -> StreamStopped:
    return StreamStopped(_sid(message.get("streamSid")))


def _object(value: object, field: str) -> dict[str, Any]:
    if type(value) is not dict:
        raise MalformedMessage(field)
    return value


def _sid(value: object) -> str:
    if type(value) is not str or not value.isalnum() or not value.isascii() or len(value) > _MAX_SID:
        raise MalformedMessage("sid")
    return value


def _number(value: object, field: str) -> int:
    """Parse a number, which Twilio sends as a string of digits in some places and as a number in others."""
    if type(value) is str and value.isascii() and value.isdigit() and len(value) <= _MAX_NUMBER_DIGITS:
        return int(value)
    if type(value) is int and 0 <= value < 10**_MAX_NUMBER_DIGITS:
        return value
    raise MalformedMessage(field)


def _text(value: object, field: str) -> str:
    if type(value) is not str or not 0 < len(value) <= _MAX_NAME:
        raise MalformedMessage(field)
    return value


def _tracks(value: object) -> tuple[str, ...]:
    if type(value) is not list:
        raise MalformedMessage("tracks")
    return tuple(_text(track, "tracks") for track in value)


def _parameters(value: object) -> dict[str, str]:
    """Parse the TwiML's parameters; a stream without ``<Parameter>`` may omit the object."""
    if value is None:
        return {}
    parameters = _object(value, "parameters")
    if not all(type(parameter) is str for parameter in parameters.values()):
        raise MalformedMessage("parameters")
    return parameters


_DECODERS: Final[dict[str, Callable[[dict[str, Any]], Inbound]]] = {
    "connected": _connected,
    "start": _start,
    "dtmf": _dtmf,
    "mark": _mark,
    "stop": _stop,
}
