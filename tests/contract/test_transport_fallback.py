"""A process whose first streams cannot use our own HTTP/2 uses the SDK, and says so once."""

import asyncio
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
import trustme

from agent_core.errors import ModelError, ModelRejected, ModelUnavailable
from agent_core.nova import transport
from agent_core.settings import CoreSettings, NovaTransport
from standins.nova import sigv4
from standins.nova.faults import ModelFault
from standins.nova.server import NovaSettings, NovaStandin
from tests.support.score import Score
from tests.support.talk import MODEL

EVENT = b'{"event": {"sessionStart": {"inferenceConfiguration": {"maxTokens": 1024}}}}'


class Sdk:
    """Stands for the SDK's client."""

    def __init__(self) -> None:
        self.opened = 0

    async def open(self, model_id: str) -> Any:  # noqa: ANN401 - the stream is not used
        """Count a stream."""
        assert model_id == MODEL
        self.opened += 1
        return self


class Fallback:
    """A process's client over HTTP/2, with a counted SDK behind it."""

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sdk = Sdk()
        self.counted = 0
        monkeypatch.setattr(transport, "_sdk_client", lambda **_: self.sdk)
        settings = CoreSettings(nova_transport=NovaTransport.H2, aws_endpoint_url_bedrock_runtime=url)  # type: ignore[arg-type]
        self.client = transport.clients_of(settings, self._count)[0]

    def _count(self) -> None:
        self.counted += 1

    async def fail(self) -> ModelError:
        """Open a stream and return its error."""
        stream = await self.client.open(MODEL)
        try:
            await stream.send(EVENT)
            await stream.receive()
        except ModelError as error:
            return error
        finally:
            await stream.close()
        raise AssertionError("it did not fail")


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, aws_keys: None) -> trustme.CA:
    """Return an authority that this process trusts."""
    del aws_keys
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return made


@asynccontextmanager
async def server(authority: trustme.CA, *alpn: str, says: bytes = b"", name: str = "localhost") -> AsyncIterator[str]:
    """Accept connections, negotiate one of these protocols, and say something."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    if alpn:
        context.set_alpn_protocols(list(alpn))

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        await reader.read()
        writer.close()

    listening = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    async with listening:
        yield f"https://localhost:{listening.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("alpn", [(), ("http/1.1",)], ids=["none", "HTTP/1.1"])
async def test_the_first_caller_gets_a_stream_of_the_sdk(
    authority: trustme.CA, alpn: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without HTTP/2 the same opening continues with the SDK; one warning, one count."""
    async with server(authority, *alpn) as url:
        fallback = Fallback(url, monkeypatch)
        with structlog.testing.capture_logs() as lines:
            await fallback.client.open(MODEL)
            await fallback.client.open(MODEL)
    assert (fallback.sdk.opened, fallback.counted) == (2, 1)
    (line,) = lines
    assert (line["event"], line["log_level"], line["now"], line["cause"]) == (
        "model_transport_given_up",
        "warning",
        "sdk",
        "tls",
    )


async def test_a_broken_protocol_leaves_the_next_stream_to_the_sdk(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream that shows it fails and is retried by its conversation, over the SDK."""
    async with server(authority, "h2", says=b"HTTP/1.1 400 Bad Request\r\n\r\n") as url:
        fallback = Fallback(url, monkeypatch)
        error = await fallback.fail()
        assert error.kind == "BrokenProtocol"
        await fallback.client.open(MODEL)
    assert (fallback.sdk.opened, fallback.counted) == (1, 1)


async def test_a_signature_that_is_refused_is_tried_with_the_sdk(
    tmp_path: Path, aws_keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If only our signature is wrong, callers notice nothing; if the key is, the SDK reports it."""
    del aws_keys
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    async with NovaStandin(NovaSettings(certificates=tmp_path), Score().backend()) as nova:
        monkeypatch.setenv("SSL_CERT_FILE", str(nova.trust.bundle_file))
        fallback = Fallback(nova.url, monkeypatch)
        error = await fallback.fail()
        assert isinstance(error, ModelUnavailable), "a rejection would not be retried"
        assert error.kind == "InvalidSignatureException"
        await fallback.client.open(MODEL)
    assert (fallback.sdk.opened, fallback.counted) == (1, 1)


async def test_what_the_sdk_would_meet_as_well_changes_nothing(
    tmp_path: Path, aws_keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Throttling, an outage, a closed port and an untrusted certificate leave the transport as it is."""
    del aws_keys
    async with NovaStandin(NovaSettings(certificates=tmp_path), Score().backend()) as nova:
        monkeypatch.setenv("SSL_CERT_FILE", str(nova.trust.bundle_file))
        fallback = Fallback(nova.url, monkeypatch)
        for fault in (
            ModelFault(on="open", error="ThrottlingException"),
            ModelFault(on="open", action="disconnect"),
            ModelFault(on="open", action="rst", code=2),
            ModelFault(on="session", error="internalServerException"),
        ):
            nova.faults.add(fault)
            await fallback.fail()
    closed = Fallback("https://localhost:9", monkeypatch)
    with pytest.raises(ModelError):
        await closed.client.open(MODEL)
    async with server(trustme.CA(), "h2") as url:
        untrusted = Fallback(url, monkeypatch)
        with pytest.raises(ModelError):
            await untrusted.client.open(MODEL)
    assert [one.sdk.opened for one in (fallback, closed, untrusted)] == [0, 0, 0]


async def test_a_transport_that_has_worked_is_kept(
    tmp_path: Path, aws_keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first event, a refused signature is the key's fault: it may have been rotated."""
    del aws_keys
    async with NovaStandin(NovaSettings(certificates=tmp_path), Score().backend()) as nova:
        monkeypatch.setenv("SSL_CERT_FILE", str(nova.trust.bundle_file))
        fallback = Fallback(nova.url, monkeypatch)
        nova.faults.add(ModelFault(on="session", action="bad_json"))
        stream = await fallback.client.open(MODEL)
        assert await stream.receive() is not None
        await stream.close()
        monkeypatch.setattr(sigv4, "CLOCK_SKEW", -sigv4.CLOCK_SKEW)
        assert isinstance(await fallback.fail(), ModelRejected)
        assert fallback.counted == 0


def test_the_sdk_is_not_imported_with_our_own_http2() -> None:
    """Importing the SDK costs start-up time and memory; a service over HTTP/2 pays neither."""
    packages = ("aws_sdk_bedrock_runtime", "smithy_http", "aws_sdk_signers")  # botocore imports awscrt in any case
    program = (
        "import sys\n"
        "import phone_agent.serve, webrtc_agent.serve\n"
        "from agent_core.settings import CoreSettings\n"
        "from agent_core.nova.transport import clients_of\n"
        "for transport in ('h2', 'sdk'):\n"
        "    clients_of(CoreSettings(nova_transport=transport))\n"
        f"    print([name in sys.modules for name in {packages!r}])\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told.splitlines()[-2:] == [str([False] * len(packages)), str([True] * len(packages))]
