"""Signatures and framing are those of AWS's own libraries: botocore, and the SDK's signer and codec."""

import asyncio
import datetime as dt
import io
from types import SimpleNamespace
from typing import Any

import aws_sdk_signers.signers
import pytest
from aws_sdk_signers import AsyncEventSigner, AWSCredentialIdentity, SigV4SigningProperties
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.eventstream import EventStreamBuffer
from smithy_aws_event_stream.events import Event, EventHeaderEncoder, EventMessage, Long, Short

from agent_core.nova.http2 import event_stream
from agent_core.nova.http2.event_stream import FramingError, MessageDecoder
from agent_core.nova.http2.signing import EventSigner, sign_request

NOW = dt.datetime(2026, 11, 30, 23, 59, 58, tzinfo=dt.UTC)
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
REGION = "eu-north-1"
MODELS = (
    "amazon.nova-2-5-sonic",
    "amazon.nova-2-sonic-v1:0",
    "arn:aws:bedrock:eu-north-1:123456789012:inference-profile/eu.amazon.nova-2-sonic-v1:0",
)


@pytest.mark.parametrize("model_id", MODELS)
@pytest.mark.parametrize("token", [None, "token/with+signs=="])
@pytest.mark.parametrize("authority", ["bedrock-runtime.eu-north-1.amazonaws.com", "localhost:8443"])
def test_a_request_is_signed_as_by_botocore(
    model_id: str, token: str | None, authority: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the same request, both have the same Authorization header: its names, their order and the signature."""
    headers, _ = sign_request(
        authority=authority,
        model_id=model_id,
        keys=ReadOnlyCredentials("AKIDEXAMPLE", SECRET, token),
        region=REGION,
        now=NOW,
    )
    ours = dict(headers)
    signed = {name: ours[name] for name in ("content-type", "x-amz-content-sha256")}
    request = AWSRequest("POST", f"https://{authority}{ours[':path']}", headers=signed)
    monkeypatch.setattr(auth, "get_current_datetime", lambda: NOW)
    auth.SigV4Auth(Credentials("AKIDEXAMPLE", SECRET, token), "bedrock", REGION).add_auth(request)
    assert ours["authorization"] == request.headers["Authorization"]
    assert ours["x-amz-date"] == request.headers["X-Amz-Date"]
    assert ours.get("x-amz-security-token") == token


def test_a_chain_of_events_is_signed_as_by_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each message is byte for byte the SDK's, over midnight and with the empty one at the end."""
    moment = NOW

    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:  # noqa: ANN401 - of the standard library
            return moment.astimezone(tz)

    monkeypatch.setattr(aws_sdk_signers.signers, "datetime", SimpleNamespace(datetime=Clock, UTC=dt.UTC))
    first = "f" * 64
    ours = EventSigner(ReadOnlyCredentials("AKIDEXAMPLE", SECRET, None), REGION, first)
    theirs = AsyncEventSigner(initial_signature=first.encode(), event_encoder_cls=EventHeaderEncoder)
    identity = AWSCredentialIdentity(access_key_id="AKIDEXAMPLE", secret_access_key=SECRET)
    properties = SigV4SigningProperties(region=REGION, service="bedrock")
    for step in range(5):
        moment = NOW + dt.timedelta(seconds=step)
        chunk = EventMessage(
            headers={":message-type": "event", ":event-type": "chunk", ":content-type": "application/json"},
            payload=b'{"bytes":"eyJhIjogMX0="}',
        )
        inner = chunk.encode()
        signed = asyncio.run(theirs.sign(event=chunk, identity=identity, properties=properties))
        assert ours.sign(inner, int(moment.timestamp())) == signed.encode()
    last = asyncio.run(theirs.sign_empty(event=EventMessage(), identity=identity, properties=properties))
    assert ours.sign(b"", int(moment.timestamp())) == last.encode()


def test_botocore_reads_what_is_sent() -> None:
    """The message around an event has valid checksums, and inside it is the message with the event's JSON."""
    signer = EventSigner(ReadOnlyCredentials("AKIDEXAMPLE", SECRET, None), REGION, "0" * 64)
    outer = _read(signer.chunk(b'{"event": {}}'))
    assert set(outer.headers) == {":date", ":chunk-signature"}
    inner = _read(outer.payload)
    assert inner.headers == {
        ":message-type": "event",
        ":event-type": "chunk",
        ":content-type": "application/json",
    }
    assert inner.payload == b'{"bytes":"eyJldmVudCI6IHt9fQ=="}'


def _read(content: bytes) -> Any:  # noqa: ANN401 - botocore is untyped
    buffer = EventStreamBuffer()
    buffer.add_data(content)
    (message,) = buffer
    return message


HEADERS: dict[str, Any] = {
    "yes": True,
    "no": False,
    "short": Short(-300),
    "int": 70_000,
    "long": Long(-(1 << 40)),
    "bytes": b"\x00\xff",
    "text": "höre",
}


@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
def test_the_sdks_messages_are_read_wherever_they_are_cut(size: int) -> None:
    """Headers of every type arrive with their values, in pieces of any size."""
    content = EventMessage(headers=HEADERS, payload=b"first").encode() + EventMessage(payload=b"x" * 5000).encode()
    decoder = MessageDecoder()
    messages = [one for at in range(0, len(content), size) for one in decoder.feed(content[at : at + size])]
    assert [message.payload for message in messages] == [b"first", b"x" * 5000]
    assert messages[0].headers == HEADERS
    assert decoder.pending == 0


def test_the_sdk_reads_our_messages() -> None:
    """The SDK's decoder accepts the framing."""
    content = event_stream.encode(event_stream.string_header(":message-type", "event"), b"{}")
    event = Event.decode(io.BytesIO(content))
    assert event is not None
    assert (event.message.headers, event.message.payload) == ({":message-type": "event"}, b"{}")


WHOLE = event_stream.encode(event_stream.string_header("a", "b"), b"payload")


@pytest.mark.parametrize("at", range(len(WHOLE)))
def test_one_wrong_bit_anywhere_is_noticed(at: int) -> None:
    """A changed byte fails a checksum; it never changes what is read, nor waits for more."""
    damaged = bytearray(WHOLE)
    damaged[at] ^= 0x10
    with pytest.raises(FramingError):
        MessageDecoder().feed(bytes(damaged))


def _sealed(headers: bytes) -> bytes:
    return event_stream.encode(headers, b"")


BROKEN = {
    "unknown type": _sealed(b"\x01a\x0b"),
    "cut text": _sealed(b"\x01a\x07\x00\x09ab"),
    "cut length": _sealed(b"\x01a\x07\x00"),
    "cut integer": _sealed(b"\x01a\x04\x00"),
    "cut name": _sealed(b"\x09a"),
    "no UTF-8": _sealed(b"\x01\xff\x00"),
    "twice": _sealed(b"\x01a\x00\x01a\x01"),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_broken_headers_are_refused(content: bytes) -> None:
    """Headers that do not fit their block end the stream with an error, although the checksums are right."""
    with pytest.raises(FramingError):
        MessageDecoder().feed(content)
