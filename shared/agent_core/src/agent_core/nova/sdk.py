"""Carries the model stream with the AWS SDK for Python.

What the SDK leaves to its user, and this file does: one event loop of the CRT for all streams instead of a thread
pair for each; a connection that belongs to one stream, so that a fault hits one conversation and closing it releases
the socket; a bound on closing, and an end of the tasks that would wait on; and its many exceptions folded into ours.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Self

from aws_sdk_bedrock_runtime.client import (
    AsyncBedrockRuntimeClient,
    InvokeModelWithBidirectionalStreamOperationInput,
)
from aws_sdk_bedrock_runtime.config import Config
from aws_sdk_bedrock_runtime.models import (
    BidirectionalInputPayloadPart,
    InvokeModelWithBidirectionalStreamInputChunk,
    InvokeModelWithBidirectionalStreamOutputChunk,
    ServiceError,
)
from smithy_aws_core.identity.static import StaticCredentialsResolver
from smithy_core.aio.eventstream import DuplexEventStream
from smithy_http.aio.crt import AWSCRTHTTPClient, AWSCRTHTTPResponse

from agent_core.errors import ModelError, ModelRejected, ModelUnavailable
from agent_core.nova import remedies
from agent_core.nova.credentials import CredentialSource
from agent_core.nova.remedies import Remedy
from agent_core.settings import CoreSettings

_CLOSE_SECONDS = 1.0
_END_SECONDS = 0.1
_MOST_CANCELS = 5
"""Each ends one thing that the SDK waits for; then it waits for the next in its own clean-up."""
_RESPONSE_SECONDS = 4.0
"""Bedrock answers a request with its headers at once. A connection that is reset before them is never reported."""


class _Transport(AWSCRTHTTPClient):
    """The connection of one stream.

    The SDK copies its configuration for each operation, and a copied transport would open connections that nobody
    can close; this one is its own copy.
    """

    def __init__(self, shared: AWSCRTHTTPClient) -> None:
        # The parent's constructor would build a TLS context (it reads the roots from disk) for each stream.
        self.__dict__.update(shared.__dict__)
        self._connections = {}
        self._closed = False
        self._waiting: list[asyncio.Task[Any]] = []
        """What waits for the answer on the connection, and what writes on it."""

    def __deepcopy__(self, memo: object) -> Self:
        return self

    async def _create_connection(self, url: Any) -> Any:  # noqa: ANN401 - the SDK's own
        connection = await super()._create_connection(url)
        if self._closed:
            await connection.close()
            raise asyncio.CancelledError  # of a request that nobody waits for any more
        return connection

    async def _await_response(self, stream: Any) -> AWSCRTHTTPResponse:  # noqa: ANN401 - the SDK's own
        # The model ends its side first, and then the SDK's writer fails on a stream that is over, heard by nobody.
        self._waiting += [task for task in (asyncio.current_task(), getattr(stream, "_writer", None)) if task]
        self._waiting[-1].add_done_callback(_retrieve)
        return await super()._await_response(stream)

    def expect_no_more(self) -> None:
        """Have a connection that is still being made closed when it is there."""
        self._closed = True

    async def aclose(self) -> None:
        """Close the connection."""
        for connection in self._connections.values():
            await connection.close()

    async def end_waiting(self) -> None:
        """End what waits on a connection that is closed. The SDK never hears that there will be no answer.

        Before it is closed, the SDK's own thread would stumble over an answer that nobody waits for.
        """
        for task in self._waiting:
            await _end(task)


class SdkModelStream:
    """One stream of the SDK, as a ``ModelStream``."""

    def __init__(self, duplex: DuplexEventStream[Any, Any, Any], transport: _Transport) -> None:
        self._duplex = duplex
        self._transport = transport
        self._receiver: Any = None

    async def send(self, event: bytes) -> None:
        """Send one event, see ``ModelStream``."""
        part = BidirectionalInputPayloadPart(bytes_=event)
        try:
            await self._duplex.input_stream.send(InvokeModelWithBidirectionalStreamInputChunk(value=part))
        except Exception as error:
            raise translate(error) from error

    async def ready(self) -> None:
        """Wait for the answer's headers, see ``ModelStream``."""
        try:
            async with asyncio.timeout(_RESPONSE_SECONDS):
                _, self._receiver = await self._duplex.await_output()
        except Exception as error:
            raise translate(error) from error

    async def receive(self) -> bytes | None:
        """Wait for an event, see ``ModelStream``."""
        if self._receiver is None:
            await self.ready()
        try:
            while (event := await self._receiver.receive()) is not None:
                if isinstance(event, InvokeModelWithBidirectionalStreamOutputChunk) and event.value.bytes_:
                    payload: bytes = event.value.bytes_
                    return payload
        except Exception as error:
            raise translate(error) from error
        return None

    async def close(self) -> None:
        """Release the stream and its connection, see ``ModelStream``."""
        self._transport.expect_no_more()
        # What comes of a connection that is still being made is nobody's error.
        asyncio.ensure_future(self._duplex.await_output()).add_done_callback(_retrieve)
        closing = [await _attempt(self._duplex.input_stream.close()), await _attempt(self._transport.aclose())]
        await self._transport.end_waiting()
        for task in closing:
            await _end(task)


async def _attempt(closing: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Give the SDK a moment to close something. With a refused or silent stream it never finishes."""
    task = asyncio.ensure_future(closing)
    task.add_done_callback(_retrieve)
    await asyncio.wait({task}, timeout=_CLOSE_SECONDS)
    task.cancel()
    return task


async def _end(task: asyncio.Task[Any]) -> None:
    """Cancel a task of the SDK until it has ended: of one that is only forgotten, the garbage collector complains."""
    for _ in range(_MOST_CANCELS):
        if task.done():
            return
        task.cancel()
        await asyncio.wait({task}, timeout=_END_SECONDS)


def _retrieve(done: asyncio.Future[Any]) -> None:
    """Take a result that matters to nobody, so that asyncio does not log it."""
    if not done.cancelled():
        done.exception()


class SdkModelClient:
    """Opens streams to Bedrock with the AWS SDK.

    Args:
        region: Region that signs the requests.
        endpoint: Base URL, https only: the SDK speaks HTTP/2 over TLS or not at all.
        credentials: Where keys come from; asked anew for each stream.
    """

    def __init__(self, *, region: str, endpoint: str, credentials: CredentialSource) -> None:
        self._region = region
        self._endpoint = endpoint
        self._credentials = credentials
        self._shared = AWSCRTHTTPClient()
        self._closing: set[asyncio.Future[None]] = set()

    async def open(self, model_id: str) -> SdkModelStream:
        """Begin a stream, see ``ModelClient``."""
        keys = await self._credentials.frozen()
        transport = _Transport(self._shared)
        config = Config(
            endpoint_uri=self._endpoint,
            region=self._region,
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key,
            aws_session_token=keys.token,
            aws_credentials_identity_resolver=StaticCredentialsResolver(),
            transport=transport,
        )
        request = InvokeModelWithBidirectionalStreamOperationInput(model_id=model_id)
        client = AsyncBedrockRuntimeClient(config=config)
        # Shielded: to cancel it in the middle leaves a request on its way that nobody can take back.
        opening = asyncio.ensure_future(client.invoke_model_with_bidirectional_stream(request))
        try:
            duplex = await asyncio.shield(opening)
        except asyncio.CancelledError:
            self._abandon(opening, transport)
            raise
        except Exception as error:
            raise translate(error) from error
        return SdkModelStream(duplex, transport)

    def _abandon(self, opening: asyncio.Future[DuplexEventStream[Any, Any, Any]], transport: _Transport) -> None:
        """Close a stream that nobody waits for as soon as it is there, which takes milliseconds."""

        async def close() -> None:
            with suppress(Exception):
                await SdkModelStream(await opening, transport).close()

        closing = asyncio.ensure_future(close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


def clients_of(settings: CoreSettings) -> tuple[SdkModelClient, SdkModelClient | None]:
    """Make the client of the model's region, and that of the second region where there is one."""
    credentials = CredentialSource()
    first = SdkModelClient(region=settings.model_region, endpoint=settings.model_endpoint, credentials=credentials)
    overflow = settings.nova_sonic_overflow_region
    if overflow is None:
        return first, None
    return first, SdkModelClient(region=overflow, endpoint=settings.overflow_endpoint, credentials=credentials)


def translate(error: Exception) -> ModelError:
    """Fold what the SDK raises into ours: may another try help, or not?"""
    if isinstance(error, ModelError):
        return error
    if isinstance(error, TimeoutError):
        return ModelUnavailable("NoResponse", f"nothing within {_RESPONSE_SECONDS:.0f} s")
    kind, reason = type(error).__name__, str(getattr(error, "message", "") or "")
    # A refusal that the SDK has no class for, such as a wrong signature, comes as a plain call error.
    unlisted = not remedies.is_known(kind) and not isinstance(error, ServiceError)
    if unlisted and getattr(error, "fault", None) == "client":
        return ModelRejected(kind, reason)
    rejected = remedies.remedy_for(kind, reason) is Remedy.GIVE_UP
    return ModelRejected(kind, reason) if rejected else ModelUnavailable(kind, reason)
