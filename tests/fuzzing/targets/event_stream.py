"""The frames of the model's stream, as the SDK and its wrapper in the product read them, and as the stand-in does."""

import base64
import struct
import zlib
from io import BytesIO
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from aws_sdk_bedrock_runtime.models import _InvokeModelWithBidirectionalStreamOutputDeserializer
from smithy_aws_event_stream.aio import AWSEventReceiver
from smithy_core.aio.types import AsyncBytesReader
from smithy_json import JSONCodec

from agent_core.errors import ModelError, ProtocolError
from agent_core.nova import wire
from agent_core.nova.sdk import SdkModelStream
from standins.nova.eventstream import FramingError, HeaderValue, MessageDecoder, StreamMessage, encode
from tests.fuzzing.mutation import Mutator
from tests.fuzzing.target import Target
from tests.fuzzing.targets.model_events import ModelEvents, check
from tests.fuzzing.waiting import finished

if TYPE_CHECKING:
    from smithy_core.aio.eventstream import DuplexEventStream

_OVERHEAD = 16


def seal(headers: bytes, payload: bytes) -> bytes:
    """Frame any headers and payload, with correct checksums."""
    prelude = struct.pack(">II", _OVERHEAD + len(headers) + len(payload), len(headers))
    head = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers
    return b"".join((head, payload, struct.pack(">I", zlib.crc32(payload, zlib.crc32(head)))))


def unseal(frames: bytes) -> list[tuple[bytes, bytes]]:
    """Return headers and payloads of frames, as far as they can be read."""
    found = []
    while len(frames) >= _OVERHEAD:
        total, headers = struct.unpack_from(">II", frames)
        if not _OVERHEAD + headers <= total <= len(frames):
            break
        found.append((frames[12 : 12 + headers], frames[12 + headers : total - 4]))
        frames = frames[total:]
    return found


def _chunk(payload: bytes) -> bytes:
    headers: dict[str, HeaderValue] = {
        ":event-type": "chunk",
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return encode(StreamMessage(headers, b'{"bytes":"%b"}' % base64.b64encode(payload)))


def _exception(kind: str) -> bytes:
    headers: dict[str, HeaderValue] = {
        ":exception-type": kind,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return encode(StreamMessage(headers, b'{"message":"System instability detected"}'))


class Frames(Target):
    """Frames as cases: changed inside and sealed again, or damaged as they are."""

    seeds = (
        b"".join(map(_chunk, ModelEvents.seeds)),
        _chunk(ModelEvents.seeds[4]),
        _exception("throttlingException") + _chunk(ModelEvents.seeds[3]),
        _exception("validationException"),
        encode(StreamMessage({":message-type": "error", ":error-code": "500", ":error-message": "broken"})),
        encode(StreamMessage({"a": True, "b": 1, "c": 1 << 40, "d": b"x", "e": -300, "f": 70_000}, b"{}")),
        encode(StreamMessage()),
    )

    def vary(self, case: bytes, mutator: Mutator) -> bytes:
        """Change headers or payload and seal the frame again; damage one in four without sealing it."""
        frames = unseal(case)
        if not frames or mutator.one_in(4):
            return mutator.damage(case)
        at = mutator.random.randrange(len(frames))
        headers, payload = frames[at]
        if mutator.one_in(2):
            frames[at] = mutator.damage(headers), payload
        else:
            frames[at] = headers, mutator.json(payload)
        if mutator.one_in(8):
            frames *= 2
        return b"".join(seal(*frame) for frame in frames)


class SdkStream(Frames):
    """One case is the bytes of one stream of the model, through the SDK to the product's events."""

    name = "sdk-stream"
    folders = ("/agent_core/nova/", "/smithy_aws_event_stream/", "/smithy_json/")

    def run(self, case: bytes) -> None:
        """Receive until the stream ends, or fails with an error of the product."""
        transport: Any = SimpleNamespace(clock_off=0.0)
        stream = SdkModelStream(cast("DuplexEventStream[Any, Any, Any]", None), transport, "https://model")
        stream._receiver = AWSEventReceiver(
            JSONCodec(),
            AsyncBytesReader(BytesIO(case)),
            _InvokeModelWithBidirectionalStreamOutputDeserializer().deserialize,
        )
        try:
            while (payload := finished(stream.receive())) is not None:
                try:
                    check(wire.parse(payload))
                except ProtocolError:
                    continue
        except ModelError:
            return


class StandinStream(Frames):
    """The same frames, as the stand-in reads them, in pieces of any size."""

    name = "standin-stream"
    folders = ("/standins/nova/",)

    def run(self, case: bytes) -> None:
        """Decode; one piece or two give the same result."""
        assert _decoded(case, len(case)) == _decoded(case, len(case) // 2)


def _decoded(case: bytes, cut: int) -> list[StreamMessage]:
    decoder = MessageDecoder()
    found: list[StreamMessage] = []
    try:
        for piece in (case[:cut], case[cut:]):
            found.extend(decoder.feed(piece))
    except FramingError:
        found.append(StreamMessage({"broken": True}))
    return found
