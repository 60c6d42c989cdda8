"""Signature checks against the signers of botocore and of the SDK for Python."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aws_sdk_signers import AWSCredentialIdentity, SigV4SigningProperties, signers
from aws_sdk_signers.signers import AsyncEventSigner
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from smithy_aws_event_stream.events import EventHeaderEncoder, EventMessage

from standins.nova.errors import StreamFault, StreamRefused
from standins.nova.eventstream import decode
from standins.nova.sigv4 import STREAMING, ChunkChain, SignedRequest, verify

KEY, SECRET, REGION = "standin", "standin-secret", "eu-north-1"
PATH = "/model/amazon.nova-2-sonic-v1%3A0/invoke-with-bidirectional-stream"
SECRETS = {KEY: SECRET}


def signed(*, key: str = KEY, secret: str = SECRET, service: str = "bedrock", query: str = "") -> SignedRequest:
    """Return a request that botocore signed."""
    headers = {"host": "localhost:8443", "x-amz-content-sha256": STREAMING}
    url = f"https://localhost:8443{PATH}" + (f"?{query}" if query else "")
    request = AWSRequest("POST", url, headers=headers)
    SigV4Auth(Credentials(key, secret, "a-session-token"), service, REGION).add_auth(request)
    return SignedRequest("POST", PATH, query, {name.lower(): str(value) for name, value in request.headers.items()})


def altered(request: SignedRequest, **headers: str) -> SignedRequest:
    """Return the request with headers changed after signing."""
    renamed = {name.replace("_", "-"): value for name, value in headers.items()}
    return SignedRequest(request.method, request.path, request.query, {**request.headers, **renamed})


@pytest.mark.parametrize("query", ["", "b=2&a=1&empty=", "a=%20%2F"])
def test_botocores_signature_is_accepted(query: str) -> None:
    """Botocore's signature is accepted with encoded paths, sorted queries and session tokens."""
    assert isinstance(verify(signed(query=query), SECRETS, datetime.now(UTC)), ChunkChain)


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (signed(secret="wrong"), "InvalidSignatureException"),
        (signed(key="stranger"), "UnrecognizedClientException"),
        (signed(service="s3"), "InvalidSignatureException"),
        (altered(signed(), host="elsewhere"), "InvalidSignatureException"),
        (altered(signed(), x_amz_security_token="another"), "InvalidSignatureException"),
        (altered(signed(), x_amz_date="20200101T000000Z"), "InvalidSignatureException"),
        (altered(signed(), x_amz_date="yesterday"), "IncompleteSignatureException"),
        (altered(signed(), authorization="Basic abc"), "IncompleteSignatureException"),
        (SignedRequest("POST", PATH, "", {}), "MissingAuthenticationTokenException"),
    ],
)
def test_a_wrong_signature_is_refused_by_its_class(request_: SignedRequest, kind: str) -> None:
    """Each kind of wrong signature gets the service's exception class."""
    with pytest.raises(StreamRefused) as refusal:
        verify(request_, SECRETS, datetime.now(UTC))
    assert refusal.value.kind == kind


def test_an_old_signature_is_refused() -> None:
    """A request that is replayed six minutes later is rejected."""
    with pytest.raises(StreamRefused, match="Signature expired"):
        verify(signed(), SECRETS, datetime.now(UTC) + timedelta(minutes=6))


def chain_and_events(count: int) -> tuple[ChunkChain, list[bytes]]:
    """Return a signature chain and the SDK's signed events to continue it, the last one empty."""
    request = signed()
    chain = verify(request, SECRETS, datetime.now(UTC))
    first = request.headers["authorization"].rpartition("Signature=")[2]
    signer = AsyncEventSigner(initial_signature=first.encode(), event_encoder_cls=EventHeaderEncoder)
    identity = AWSCredentialIdentity(access_key_id=KEY, secret_access_key=SECRET)
    properties = SigV4SigningProperties(region=REGION, service="bedrock")

    async def sign() -> list[bytes]:
        inner = [EventMessage(headers={":event-type": "chunk"}, payload=bytes([n])) for n in range(count)]
        events = [await signer.sign(event=event, identity=identity, properties=properties) for event in inner]
        events.append(await signer.sign_empty(event=EventMessage(), identity=identity, properties=properties))
        return [event.encode() for event in events]

    return chain, asyncio.run(sign())


def test_the_sdks_chain_of_events_is_accepted() -> None:
    """The SDK's events continue the signature chain, including the empty one at the end."""
    chain, events = chain_and_events(3)
    for event in map(decode, events):
        chain.verify(event.headers, event.payload)
    assert decode(events[-1]).payload == b""


def test_a_stream_may_pass_midnight(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK signs an event with the day of the event, not of the request, and so its chain is accepted."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:  # noqa: ANN401 - of the standard library
            return tomorrow.astimezone(tz)

    monkeypatch.setattr(signers, "datetime", SimpleNamespace(datetime=Clock, UTC=UTC))
    chain, events = chain_and_events(2)
    for event in map(decode, events):
        chain.verify(event.headers, event.payload)


@pytest.mark.parametrize("order", [(1,), (0, 0), (0, 2)])
def test_an_event_out_of_its_place_breaks_the_chain(order: tuple[int, ...]) -> None:
    """An omitted, repeated or reordered event breaks the chain, because each signature covers the previous one."""
    chain, events = chain_and_events(3)
    *before, last = [decode(events[index]) for index in order]
    for event in before:
        chain.verify(event.headers, event.payload)
    with pytest.raises(StreamFault):
        chain.verify(last.headers, last.payload)


def test_an_unsigned_event_breaks_the_chain() -> None:
    """An unsigned event breaks the chain of a stream with verified credentials."""
    chain, _ = chain_and_events(0)
    with pytest.raises(StreamFault):
        chain.verify({}, b"payload")
