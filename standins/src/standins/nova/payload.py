"""The layer between framing and model JSON: base64 in JSON in a message, which the client signs with an outer one."""

import base64
import binascii
import json

from standins.nova.errors import INVALID_EVENT_BYTES, UNPARSABLE, invalid
from standins.nova.eventstream import StreamMessage, decode, encode

CONTENT_TYPE = "application/vnd.amazon.eventstream"

_CHUNK = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}


def unwrap(message: StreamMessage) -> bytes:
    """Return the client's JSON from a message, signed or not.

    Raises:
        FramingError: The signed message does not contain exactly one message.
        StreamFault: The message does not contain a chunk.
    """
    inner = decode(message.payload) if ":chunk-signature" in message.headers else message
    if inner.headers.get(":event-type") != "chunk":
        raise invalid(INVALID_EVENT_BYTES, "event type is not chunk")
    try:
        return binascii.a2b_base64(json.loads(inner.payload)["bytes"], strict_mode=True)
    except (ValueError, TypeError, KeyError, RecursionError) as broken:
        raise invalid(UNPARSABLE, "no base64 under `bytes`") from broken


def wrap(text: bytes) -> bytes:
    """Encode the model's JSON as a chunk event."""
    return encode(StreamMessage(_CHUNK, b'{"bytes":"%b"}' % base64.b64encode(text)))


def exception(kind: str, message: str) -> bytes:
    """Encode an exception that ends a stream; `kind` is spelled like `throttlingException`."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return encode(StreamMessage(headers, json.dumps({"message": message}).encode()))
