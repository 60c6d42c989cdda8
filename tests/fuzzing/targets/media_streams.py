"""A media stream after its upgrade: any texts in any order, checked as one stream."""

import json
from pathlib import Path

from phone_agent.media_stream import CallerMedia, MalformedMessage, StreamStarted, decode
from phone_agent.stream_guard import GuardDecision, StreamGuard
from phone_agent.stream_token import StreamTokenIssuer, StreamTokenRejected
from phone_agent.ulaw import Packetizer
from tests.fuzzing.mutation import Mutator
from tests.fuzzing.target import Target

_STREAM = "MZ" + "1" * 32
_CALL = "CA" + "2" * 32
_ACCOUNT = "AC" + "3" * 32
_SEPARATOR = b"\n"
_FIXTURES = Path(__file__).parents[2] / "fixtures/twilio/malformed_messages.json"


def _message(**fields: object) -> bytes:
    return json.dumps(fields).encode()


class MediaStreams(Target):
    """One case is the texts of one socket, one per line."""

    name = "media-streams"
    folders = ("/phone_agent/",)

    def __init__(self) -> None:
        self._office = StreamTokenIssuer([b"k" * 32])
        self.seeds = [_SEPARATOR.join(_good_stream(self._office)), *_malformed_streams(self._office)]

    def vary(self, case: bytes, mutator: Mutator) -> bytes:
        """Change the meaning of one message, the order of all, or some bytes."""
        if mutator.one_in(4):
            return mutator.lines(case, _SEPARATOR)
        lines = case.split(_SEPARATOR)
        at = mutator.random.randrange(len(lines))
        lines[at] = mutator.damage(lines[at]) if mutator.one_in(4) else mutator.json(lines[at])
        return _SEPARATOR.join(lines)

    def run(self, case: bytes) -> None:
        """Read a stream up to the point where the service would close it."""
        guard, packets = StreamGuard(clock=lambda: 0.0), Packetizer()
        for line in case.split(_SEPARATOR):
            try:
                message = decode(line if line[:1] == b"\xef" else line.decode(errors="surrogateescape"))
            except MalformedMessage:
                if guard.malformed() is GuardDecision.CLOSE:
                    return
                continue
            verdict = guard.accept(message)
            if verdict is GuardDecision.CLOSE:
                return
            if verdict is GuardDecision.ACCEPT and isinstance(message, CallerMedia):
                assert all(len(pcm) == 640 for pcm in packets.push(message.payload))
            if isinstance(message, StreamStarted):
                self._redeem(message.parameters.get("ticket"), message.call_sid, message.account_sid)

    def _redeem(self, ticket: str | None, call_sid: str, account_sid: str) -> None:
        try:
            self._office.redeem(ticket, call_sid, account_sid)
        except StreamTokenRejected:
            return
        assert (call_sid, account_sid) == (_CALL, _ACCOUNT)


def _good_stream(office: StreamTokenIssuer) -> list[bytes]:
    sound = {"track": "inbound", "chunk": "1", "timestamp": "20", "payload": "f39/" * 40}
    start = {
        "streamSid": _STREAM,
        "accountSid": _ACCOUNT,
        "callSid": _CALL,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"ticket": office.for_call(_CALL, _ACCOUNT)},
    }
    return [
        _message(event="connected", protocol="Call", version="1.0.0"),
        _message(event="start", sequenceNumber="1", streamSid=_STREAM, start=start),
        _message(event="media", sequenceNumber="2", streamSid=_STREAM, media=sound),
        _message(event="media", sequenceNumber="3", streamSid=_STREAM, media=sound | {"chunk": "2"}),
        _message(event="dtmf", streamSid=_STREAM, sequenceNumber="4", dtmf={"track": "inbound_track", "digit": "1"}),
        _message(event="mark", streamSid=_STREAM, sequenceNumber="5", mark={"name": "answer-1"}),
        _message(event="weather"),
        _message(event="stop", sequenceNumber="6", streamSid=_STREAM, stop={"accountSid": _ACCOUNT, "callSid": _CALL}),
    ]


def _malformed_streams(office: StreamTokenIssuer) -> list[bytes]:
    """Put each known kind of malformed message into a good stream."""
    good = _good_stream(office)
    texts = [one["text"].replace("$STREAM_SID", _STREAM) for one in json.loads(_FIXTURES.read_text())]
    return [
        _SEPARATOR.join([*good[:3], text.encode("utf-8", "surrogatepass").replace(_SEPARATOR, b" "), *good[3:]])
        for text in texts
    ]
