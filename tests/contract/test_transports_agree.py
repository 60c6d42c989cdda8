"""Both transports turn the same behaviour of the service into the same errors, and send the same request."""

import asyncio
from pathlib import Path

import pytest

from agent_core.errors import ModelError
from agent_core.nova.credentials import CredentialSource
from agent_core.nova.http2.client import Http2ModelClient
from agent_core.settings import NovaTransport
from standins.nova import handshake
from standins.nova.faults import ModelFault
from standins.nova.h2_request import H2Request
from standins.nova.server import NovaSettings, NovaStandin
from standins.nova.server_state import ServerState
from tests.support.score import Score
from tests.support.talk import MODEL, Talk, client_over, talking

EVENT = b'{"event": {"sessionStart": {"inferenceConfiguration": {"maxTokens": 1024}}}}'
STREAM_ERRORS = (
    "validationException",
    "throttlingException",
    "modelStreamErrorException",
    "modelTimeoutException",
    "internalServerException",
    "serviceUnavailableException",
)
REFUSALS = (
    "ThrottlingException",
    "ValidationException",
    "AccessDeniedException",
    "ResourceNotFoundException",
    "ServiceQuotaExceededException",
    "ExpiredTokenException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "ModelNotReadyException",
    "ModelErrorException",
    "InternalServerException",
    "ServiceUnavailableException",
)
WORDS = "Denied for arn:aws:iam::123456789012:role/x. System instability detected. Please retry your request."
FAULTS = [
    *(ModelFault(on="session", error=kind, message=WORDS) for kind in STREAM_ERRORS),
    *(ModelFault(on="open", error=kind, message=WORDS) for kind in REFUSALS),
]


UNSEEN = pytest.mark.real_time("the AWS client waits in native code, unseen by the shared clock")


@UNSEEN
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.on}-{fault.error}")
async def test_a_failure_is_the_same_error(tmp_path: Path, aws_keys: None, fault: ModelFault) -> None:
    """Class, kind, host and words are the same; account and role are in neither."""
    del aws_keys
    seen: list[ModelError] = []
    async with NovaStandin(NovaSettings(certificates=tmp_path), Score().backend()) as nova:
        for transport in NovaTransport:
            nova.faults.add(fault)
            opener = client_over(transport, nova, CredentialSource())
            if isinstance(opener, Http2ModelClient):
                opener.health.worked()  # else a refused signature would be retried over the SDK
            stream = await opener.open(MODEL)
            await stream.send(EVENT)
            with pytest.raises(ModelError) as failed:
                await stream.receive()
            await stream.close()
            seen.append(failed.value)
    theirs, ours = seen
    assert (type(ours), ours.kind, ours.host) == (type(theirs), theirs.kind, "localhost")
    # The SDK drops the words of refusals that its model of the operation does not list.
    assert ours.reason.startswith(theirs.reason)
    assert "123456789012" not in ours.reason


@UNSEEN
async def test_the_request_is_that_of_the_sdk(tmp_path: Path, aws_keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our request has the SDK's fields and values, except those that name a program or an invocation."""
    del aws_keys
    requests: list[dict[str, str]] = []

    class Recorded(handshake.PendingStream):
        def __init__(self, exchange: H2Request, server_state: ServerState) -> None:
            super().__init__(exchange, server_state)
            requests.append(dict(exchange.headers))

    monkeypatch.setattr("standins.nova.server.PendingStream", Recorded)
    async with NovaStandin(NovaSettings(certificates=tmp_path), Score().backend()) as nova:
        for transport in NovaTransport:
            stream = await client_over(transport, nova, CredentialSource()).open(MODEL)
            await stream.send(EVENT)
            await stream.ready()
            await stream.close()
    theirs, ours = requests
    own = {"user-agent", "amz-sdk-invocation-id", "amz-sdk-request", "x-amz-date", "authorization"}
    assert {name: ours.get(name) for name in theirs.keys() - own - {":path", "host"}} == {
        name: theirs[name] for name in theirs.keys() - own - {":path", "host"}
    }
    assert theirs[":path"].rstrip("?") == ours[":path"]  # the SDK appends an empty query


@pytest.mark.parametrize("transport", NovaTransport)
async def test_a_conversation_with_a_renewal_loses_nothing(
    tmp_path: Path, aws_keys: None, transport: NovaTransport
) -> None:
    """Every word and all audio arrive over both, through the change from one stream to the next."""
    del aws_keys
    async with NovaStandin(NovaSettings(certificates=tmp_path, keep_sound=True), Score().backend()) as nova:
        talk = Talk(nova, client_over(transport, nova, CredentialSource()), renew_after=4.0)
        async with talking(talk):
            said = [await talk.ask() for _ in range(3)]
            await asyncio.sleep(4)
            said.append(await talk.ask())
        assert talk.failure is None
        assert all(said)
        assert len(talk.model_sessions) > 1
        talk.balance()
        talk.nothing_was_torn()
