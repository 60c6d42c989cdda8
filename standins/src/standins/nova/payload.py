"""What lies between the framing and the model's JSON: base64 in JSON in a message, for the client in a signed one."""

import base64
import binascii
import json

from standins.nova.errors import INVALID_EVENT_BYTES, UNPARSABLE, invalid
from standins.nova.eventstream import StreamMessage, decode, encode

CONTENT_TYPE = "application/vnd.amazon.eventstream"

_CHUNK = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}


def unwrap(message: StreamMessage) -> bytes:
    """Take the client's JSON out of a message, signed or bare.

    Raises:
        FramingError: the signed message holds no message.
        StreamFault: that holds no chunk.
    """
    inner = decode(message.payload) if ":chunk-signature" in message.headers else message
    if inner.headers.get(":event-type") != "chunk":
        raise invalid(INVALID_EVENT_BYTES, "event type is not chunk")
    try:
        return binascii.a2b_base64(json.loads(inner.payload)["bytes"], strict_mode=True)
    except (ValueError, TypeError, KeyError, RecursionError) as broken:
        raise invalid(UNPARSABLE, "no base64 under `bytes`") from broken


def wrap(text: bytes) -> bytes:
    """Put the model's JSON into the bytes of a chunk event."""
    return encode(StreamMessage(_CHUNK, b'{"bytes":"%b"}' % base64.b64encode(text)))


def exception(kind: str, message: str) -> bytes:
    """Give the bytes that end a stream with an exception, `kind` spelled like `throttlingException`."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return encode(StreamMessage(headers, json.dumps({"message": message}).encode()))
