"""The bytes of the model's service, as our own HTTP/2 reads them: from the connection to the product's events."""

import asyncio
from contextlib import suppress

from agent_core.errors import ModelError, ProtocolError
from agent_core.nova import wire
from tests.fuzzing.mutation import MAX_CASE, Mutator
from tests.fuzzing.target import Target
from tests.fuzzing.targets.event_stream import StandinStream
from tests.fuzzing.targets.model_events import check
from tests.support.http2_wire import (
    ACCEPTED,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    HELLO,
    PADDED,
    PING,
    RST_STREAM,
    SETTINGS,
    STATUS_103,
    STATUS_200,
    WINDOW_UPDATE,
    Peer,
    frame,
    frames_in,
    literal,
    setting,
)

_EVENTS = StandinStream.seeds
_LENGTHS = (0, 1, 7, 9, 16_384, 16_385, 1 << 20, (1 << 24) - 1)


class Http2Stream(Target):
    """One case is everything that a service sends on one connection."""

    name = "http2-stream"
    folders = ("/agent_core/nova/", "/h2/", "/hpack/", "/hyperframe/")
    seeds = (
        ACCEPTED + b"".join(frame(DATA, 0, 1, event) for event in _EVENTS) + frame(DATA, END_STREAM, 1),
        ACCEPTED + frame(DATA, PADDED, 1, b"\x03" + _EVENTS[1] + bytes(3)) + frame(RST_STREAM, 0, 1, bytes(4)),
        HELLO
        + frame(HEADERS, END_HEADERS, 1, STATUS_103)
        + frame(HEADERS, 0, 1, STATUS_200)
        + frame(CONTINUATION, END_HEADERS, 1, literal(b"date", b"Mon, 30 Nov 2026 00:00:00 GMT"))
        + frame(DATA, 0, 1, _EVENTS[0][:50])
        + frame(DATA, 0, 1, _EVENTS[0][50:])
        + frame(HEADERS, END_HEADERS | END_STREAM, 1, literal(b"grpc-status", b"0")),
        setting(4, 100)
        + setting(5, 20_000)
        + setting(1, 0)
        + ACCEPTED
        + frame(SETTINGS, 1)
        + frame(PING, 0, 0, bytes(8)),
        ACCEPTED + frame(WINDOW_UPDATE, 0, 0, b"\0\0\1\0") + frame(GOAWAY, 0, 0, b"\0\0\0\1\0\0\0\0bye"),
        HELLO
        + frame(
            HEADERS, END_HEADERS, 1, literal(b":status", b"429") + literal(b"x-amzn-errortype", b"ThrottlingException")
        )
        + frame(DATA, END_STREAM, 1, b'{"message":"Too many requests"}'),
    )

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._events = StandinStream()

    def close(self) -> None:
        """Close the loop."""
        self._loop.close()

    def vary(self, case: bytes, mutator: Mutator) -> bytes:
        """Change one frame or the order of frames; damage one case in four as it is."""
        frames = frames_in(case)
        if not frames or mutator.one_in(4):
            return mutator.damage(case)
        at, other = (mutator.random.randrange(len(frames)) for _ in range(2))
        kind, flags, stream, payload = frames[at]
        match mutator.random.randrange(8):
            case 0:
                frames[at], frames[other] = frames[other], frames[at]
            case 1:
                frames[at:at] = [frames[other]] * mutator.pick((1, 1, 2, 60, 2000))
            case 2:
                del frames[at]
            case 3:
                frames[at] = kind, mutator.pick((0, 1, 4, 5, 8, 12, 32, flags ^ 1, 255)), stream, payload
            case 4:
                frames[at] = kind, flags, mutator.pick((0, 1, 2, 3, 1 << 31, (1 << 31) - 1)), payload
            case 5:
                frames[at] = mutator.pick(range(12)), flags, stream, payload
            case _ if kind == DATA:
                frames[at] = kind, flags, stream, self._events.vary(payload, mutator)
            case _:
                frames[at] = kind, flags, stream, mutator.damage(payload)
        content = b"".join(frame(kind, flags, stream, payload) for kind, flags, stream, payload in frames)
        if mutator.one_in(20):  # a length that is not that of the payload
            content = mutator.pick(_LENGTHS).to_bytes(3) + content[3:]
        return content[:MAX_CASE]

    def run(self, case: bytes) -> None:
        """Receive in two pieces until nothing more comes; send in between; then the connection must be closable."""
        self._loop.run_until_complete(_converse(case))


async def _converse(case: bytes) -> None:
    peer = Peer()
    half = len(case) // 2
    for piece in (case[:half], case[half:]):
        peer.say(piece)
        try:
            if not peer.link.is_blocked:
                await peer.stream.send(b"{}")
            while _drained(peer):
                pass
        except ModelError:
            # A caller gets the fallback or another stream: nothing of this one may stay.
            break
    peer.link.abort()
    await asyncio.sleep(0)
    assert peer.wire.is_closed


def _drained(peer: Peer) -> bool:
    """Take one event if there is one; return whether there may be more."""
    receiving = peer.stream.receive()
    try:
        receiving.send(None)
    except StopIteration as done:
        if done.value is None:
            return False
        with suppress(ProtocolError):  # one event concerns itself only
            check(wire.parse(done.value))
        return True
    receiving.close()  # it waits for more
    return False
