"""Carry the model stream with the AWS SDK for Python, with credentials from the default chain.

The SDK leaves several things to its user, which this module adds: one CRT event loop for all streams instead of two
threads per stream; one connection per stream, so that a fault affects one conversation and closing the stream releases
the socket; a deadline for closing, and the cancellation of tasks that would wait forever; and a mapping of its many
exceptions to ours.
"""

import asyncio
import re
import time
from collections.abc import Coroutine
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

from aws_sdk_bedrock_runtime.client import AsyncBedrockRuntimeClient
from aws_sdk_bedrock_runtime.config import AsyncBedrockRuntimeConfig
from aws_sdk_bedrock_runtime.models import (
    BidirectionalInputPayloadPart,
    InvokeModelWithBidirectionalStreamInputChunk,
    InvokeModelWithBidirectionalStreamOperationInput,
    InvokeModelWithBidirectionalStreamOutputChunk,
    ServiceError,
)
from botocore.credentials import ReadOnlyCredentials
from smithy_core.aio.eventstream import DuplexEventStream
from smithy_core.retries import RetryStrategyOptions
from smithy_http.aio.crt import (  # type: ignore[attr-defined]  # the CRT's, which the SDK loads where it is there
    AIOHttpClientConnectionUnified,
    AWSCRTHTTPClient,
    AWSCRTHTTPResponse,
)

from agent_core import reach
from agent_core.errors import ModelError, ModelUnavailable
from agent_core.nova import service_errors
from agent_core.nova.credentials import CredentialSource

_HTTPS: Final = 443
_CLOSE_SECONDS = 1.0
_END_SECONDS = 0.1
_MOST_CANCELS = 5
"""Each cancel ends one wait of the SDK; it may then wait for the next in its own clean-up."""
_RESPONSE_SECONDS = 4.0
"""Bedrock answers a request with its headers at once. The SDK never reports a connection that is reset before them."""
_LOOK_SECONDS = 2.0
"""After this long without a response, look for what blocks the connection; also the limit for that search."""
_CLIENT_FAULT: Final = 400
_UNLISTED: Final = re.compile(r" - status: 4\d\d - id: \S*#(?P<kind>\w+)$")
"""How the SDK names a refusal that its operation model does not list, such as one about a signature."""


class _SdkConnection(AIOHttpClientConnectionUnified):  # type: ignore[misc]  # untyped there
    """A connection whose set-up cannot be cancelled.

    The CRT reports some failures, such as those of TLS, half a minute late, and fails on a future that was cancelled.
    """

    @classmethod
    def _generic_new(cls, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - the CRT's own
        future = super()._generic_new(*arguments, **named)
        future.set_running_or_notify_cancel()
        return future


class _Transport(AWSCRTHTTPClient):
    """The connection of one stream."""

    def __init__(self, shared: AWSCRTHTTPClient) -> None:
        # The parent's constructor would build a TLS context for each stream, which reads the root certificates from
        # disk.
        self.__dict__.update(shared.__dict__)
        self._connections = {}
        self._unwanted = False
        self.clock_off = 0.0
        """Seconds by which this machine's clock is ahead of the service's, according to the response's Date header."""
        self._waiting: list[asyncio.Task[Any]] = []
        """Tasks that wait for the response on the connection or write to it."""

    async def _build_new_connection(self, url: Any) -> Any:  # noqa: ANN401 - the SDK's own
        secured = self._tls_ctx.new_connection_options()
        secured.set_server_name(url.host)
        secured.set_alpn_list(["h2"])
        return await _SdkConnection.new(
            bootstrap=self._client_bootstrap,
            host_name=url.host,
            port=url.port or _HTTPS,
            socket_options=self._socket_options,
            tls_connection_options=secured,
        )

    async def _create_connection(self, url: Any) -> Any:  # noqa: ANN401 - the SDK's own
        connection = await super()._create_connection(url)
        if self._unwanted:
            await connection.close()
            raise asyncio.CancelledError  # the request was abandoned meanwhile
        return connection

    async def _await_response(self, stream: Any) -> AWSCRTHTTPResponse:  # noqa: ANN401 - the SDK's own
        # The model ends its side first; the SDK's writer then fails on the closed stream, and its exception is never
        # read.
        self._waiting += [task for task in (asyncio.current_task(), getattr(stream, "_writer", None)) if task]
        self._waiting[-1].add_done_callback(_retrieve)
        response = await super()._await_response(stream)
        self.clock_off = _ahead(response)
        return response

    def expect_no_more(self) -> None:
        """Close a connection that is still being opened as soon as it is open."""
        self._unwanted = True

    async def aclose(self) -> None:
        """Close the connection."""
        for connection in self._connections.values():
            await connection.close()

    async def end_waiting(self) -> None:
        """Cancel what waits on a closed connection; the SDK does not notice that there will be no response.

        Cancelling before the connection is closed would make the SDK's own thread fail on a response without a
        receiver.
        """
        for task in self._waiting:
            await _end(task)


class SdkModelStream:
    """One stream of the SDK, as a ``ModelStream``."""

    def __init__(self, duplex: DuplexEventStream[Any, Any, Any], transport: _Transport, endpoint: str) -> None:
        self._duplex = duplex
        self._transport = transport
        self._endpoint = endpoint
        self._receiver: Any = None

    async def send(self, event: bytes) -> None:
        """Send one event, see ``ModelStream``."""
        part = BidirectionalInputPayloadPart(bytes_=event)
        try:
            await self._duplex.input_stream.send(InvokeModelWithBidirectionalStreamInputChunk(value=part))
        except Exception as error:
            raise self._translate(error) from error

    async def ready(self) -> None:
        """Wait for the response headers, see ``ModelStream``."""
        try:
            async with asyncio.timeout(_RESPONSE_SECONDS):
                _, self._receiver = await self._response()
        except Exception as error:
            raise self._translate(error) from error

    async def _response(self) -> Any:  # noqa: ANN401 - the SDK's own
        """Wait for the headers; if they take long, check whether something blocks every connection."""
        waiting = asyncio.ensure_future(self._duplex.await_output())
        try:
            await asyncio.wait({waiting}, timeout=_LOOK_SECONDS)
            if not waiting.done() and (found := await self._obstacle(waiting)) is not None:
                raise found
            return await waiting
        finally:
            waiting.add_done_callback(_retrieve)
            waiting.cancel()

    async def _obstacle(self, waiting: asyncio.Future[Any]) -> OSError | None:
        """Look for what blocks the connection, until the headers arrive."""
        looking = asyncio.ensure_future(reach.obstacle(self._endpoint, _RESPONSE_SECONDS - _LOOK_SECONDS))
        try:
            await asyncio.wait({waiting, looking}, return_when=asyncio.FIRST_COMPLETED)
            return looking.result() if looking.done() and not waiting.done() else None
        finally:
            looking.add_done_callback(_retrieve)
            looking.cancel()

    def _translate(self, error: Exception) -> ModelError:
        return translate(error, self._endpoint, self._transport.clock_off)

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
            raise self._translate(error) from error
        return None

    async def close(self) -> None:
        """Release the stream and its connection, see ``ModelStream``."""
        self._transport.expect_no_more()
        # The outcome of a connection that is still being opened no longer matters.
        asyncio.ensure_future(self._duplex.await_output()).add_done_callback(_retrieve)
        closing = [await _attempt(self._duplex.input_stream.close()), await _attempt(self._transport.aclose())]
        # Last: their waits end with the connection, so they must not be cancelled before it is closed.
        await self._transport.end_waiting()
        for task in closing:
            await _end(task)


async def _attempt(closing: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Run one of the SDK's close operations with a deadline. For a refused or silent stream it never finishes."""
    task = asyncio.ensure_future(closing)
    task.add_done_callback(_retrieve)
    await asyncio.wait({task}, timeout=_CLOSE_SECONDS)
    task.cancel()
    return task


async def _end(task: asyncio.Task[Any]) -> None:
    """Cancel a task of the SDK until it has ended: the garbage collector reports one that is dropped while pending."""
    for _ in range(_MOST_CANCELS):
        if task.done():
            return
        task.cancel()
        await asyncio.wait({task}, timeout=_END_SECONDS)


def _retrieve(done: asyncio.Future[Any]) -> None:
    """Retrieve a result that is not needed, so that asyncio does not log it."""
    if not done.cancelled():
        done.exception()


class SdkModelClient:
    """Opens streams to Bedrock with the AWS SDK.

    Args:
        region: Region that signs the requests.
        endpoint: Base URL, https only: the SDK speaks HTTP/2 only over TLS.
        credentials: Source of the keys; queried for each stream.
    """

    def __init__(self, *, region: str, endpoint: str, credentials: CredentialSource) -> None:
        self._region = region
        self._endpoint = endpoint
        self._credentials = credentials
        self._shared = AWSCRTHTTPClient()
        self._closing: set[asyncio.Future[None]] = set()

    async def open(self, model_id: str) -> SdkModelStream:
        """Open a stream, see ``ModelClient``."""
        keys = await self._credentials.frozen()
        transport = _Transport(self._shared)
        # Shielded: a cancellation halfway would leave a request in flight that cannot be withdrawn.
        opening = asyncio.ensure_future(self._invoke(model_id, keys, transport))
        try:
            duplex = await asyncio.shield(opening)
        except asyncio.CancelledError:
            self._abandon(opening, transport)
            raise
        except Exception as error:
            raise translate(error, self._endpoint, transport.clock_off) from error
        return SdkModelStream(duplex, transport, self._endpoint)

    async def _invoke(
        self, model_id: str, keys: ReadOnlyCredentials, transport: _Transport
    ) -> DuplexEventStream[Any, Any, Any]:
        # What is not given here, the SDK looks up in the environment and in files, for each stream.
        config = await AsyncBedrockRuntimeConfig.resolve(
            endpoint_uri=self._endpoint,
            region=self._region,
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key,
            aws_session_token=keys.token,
            transport=transport,
            retry_mode=RetryStrategyOptions.retry_mode,
            max_attempts=RetryStrategyOptions.max_attempts,
            sdk_ua_app_id=None,
        )
        client = AsyncBedrockRuntimeClient(config=config)
        operation = InvokeModelWithBidirectionalStreamOperationInput(model_id=model_id)
        duplex: DuplexEventStream[Any, Any, Any] = await client.invoke_model_with_bidirectional_stream(operation)
        return duplex

    def _abandon(self, opening: asyncio.Future[DuplexEventStream[Any, Any, Any]], transport: _Transport) -> None:
        """Close an abandoned stream as soon as it is open, which takes milliseconds."""

        async def close() -> None:
            with suppress(Exception):
                await SdkModelStream(await opening, transport, self._endpoint).close()

        closing = asyncio.ensure_future(close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


def translate(error: Exception, endpoint: str = "", clock_off: float = 0.0) -> ModelError:
    """Convert what the SDK raises into a ``ModelError`` that says whether a retry may help.

    Args:
        error: The exception.
        endpoint: Where the request went.
        clock_off: Seconds by which our clock is ahead of the service's, if its response had a date.
    """
    if isinstance(error, ModelError):
        return error
    folded = _folded(error, clock_off)
    folded.host = urlsplit(endpoint).hostname or ""
    return folded


def _folded(error: Exception, clock_off: float) -> ModelError:
    if isinstance(error, OSError):
        return ModelUnavailable("NoResponse", f"nothing within {_RESPONSE_SECONDS:.0f} s")
    kind, text = type(error).__name__, service_errors.without_arns(str(getattr(error, "message", "") or ""))
    # The SDK has no class for some refusals, such as a wrong signature: they arrive as a plain call error.
    if (unlisted := _UNLISTED.search(text)) is not None:
        kind, text = unlisted["kind"], ""
    foreign = not isinstance(error, ServiceError) and getattr(error, "fault", None) == "client"
    return service_errors.of_response(kind, text, _CLIENT_FAULT if foreign else 0, clock_off=clock_off)


def _ahead(response: AWSCRTHTTPResponse) -> float:
    """Return the seconds by which our clock is ahead of a response's date; 0 if it has none."""
    try:
        return time.time() - parsedate_to_datetime(response.fields["date"].as_string()).timestamp()
    except (KeyError, ValueError):
        return 0.0
