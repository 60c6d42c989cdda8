"""Open a connection to an MCP server with the official SDK: streamable HTTP, or a command's standard input and output.

Import this module only where an agent uses MCP: the SDK takes 0.6 s and 21 MB.

What the SDK would do that a voice agent must not, is kept from it: it follows redirects, reads answers of any size,
loads schemas that a server's schema refers to by URL, logs what it receives, and passes on a command's standard error.
"""

import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import httpx2
import orjson
from mcp import MCPError, types
from mcp.client.client import Client
from mcp.client.session import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from pydantic import TypeAdapter

from agent_core.errors import UpstreamError
from agent_core.tools.mcp_server import SERVICE, ListedTool, McpAnswer, McpSession, SessionLost
from agent_core.tools.outbound import Outbound

MAX_BYTES: Final = 1024 * 1024
"""Largest response of a server: its catalogue; a result is reduced to a few kilobytes afterwards."""
MAX_TOOLS: Final = 500
_MAX_PAGES: Final = 10
KEY: Final = "idempotencyKey"
"""Key of ``_meta`` with the idempotency key of a request."""
READ_SECONDS: Final = 60.0
"""Longest silence of a response; a use has a shorter deadline of its own."""
_CLIENT: Final = types.Implementation(name="voice-agent", version="1")
_RESULT: Final[TypeAdapter[types.CallToolResult]] = TypeAdapter(types.CallToolResult)
_REFUSALS: Final = frozenset({types.INVALID_PARAMS})

# It logs what servers send, and session ids.
for _name in ("mcp", "httpx2", "httpcore2"):
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False


class _Session:
    """See `McpSession`."""

    def __init__(self, session: ClientSession) -> None:
        self._session = session

    async def tools(self) -> Sequence[ListedTool]:
        found: list[types.Tool] = []
        cursor: str | None = None
        try:
            for _ in range(_MAX_PAGES):
                page = await self._session.list_tools(params=types.PaginatedRequestParams(cursor=cursor))
                found += page.tools
                cursor = page.next_cursor
                if cursor is None or len(found) >= MAX_TOOLS:
                    break
        except (MCPError, anyio.ClosedResourceError, anyio.BrokenResourceError, ValueError) as error:
            raise UpstreamError(SERVICE, type(error).__name__) from error
        return [ListedTool(one.name, one.description or one.title or "", one.input_schema) for one in found]

    async def call(self, name: str, arguments: Mapping[str, Any], key: str) -> McpAnswer:
        meta = types.RequestParamsMeta(**{KEY: key})  # type: ignore[typeddict-unknown-key] # a key of our own
        params = types.CallToolRequestParams(name=name, arguments=dict(arguments), _meta=meta)
        try:
            # Not `call_tool`, which validates the result with the server's own schema and fetches what that refers to.
            result = await self._session.send_request(types.CallToolRequest(params=params), _RESULT)
        except MCPError as error:
            raise _translated(error) from error
        except (anyio.ClosedResourceError, anyio.BrokenResourceError, ValueError, RuntimeError) as error:
            raise UpstreamError(SERVICE, type(error).__name__) from error
        return McpAnswer(_value(result), is_refusal=bool(result.is_error))


def _translated(error: MCPError) -> Exception:
    # The transport's own words for a 404 to a request of a session.
    if error.code == types.INVALID_REQUEST and "Session terminated" in error.message:
        return SessionLost(SERVICE, "session_lost")
    return UpstreamError(SERVICE, f"rpc_{error.code}")


def _value(result: types.CallToolResult) -> object:
    """Return what a result holds: its structured content, otherwise its texts; never links and pictures."""
    if result.structured_content is not None:
        return result.structured_content
    texts = [_decoded(each.text) for each in result.content if isinstance(each, types.TextContent)]
    return texts[0] if len(texts) == 1 else texts


def _decoded(text: str) -> object:
    """Return the value of a text that is JSON, as many servers return theirs: its keys are then bounded too."""
    if text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        return orjson.loads(text)
    except ValueError:
        return text


class _Limited(httpx2.AsyncByteStream):
    """A response body that ends with an error when it is too large."""

    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._inner:
            read += len(chunk)
            if read > MAX_BYTES:
                raise httpx2.ReadError("the response is too large")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


class CheckedTransport(httpx2.AsyncBaseTransport):
    """The same as `agent_core.tools.http_transport.CheckedTransport`, for the SDK's HTTP client.

    Args:
        outbound: Decides which addresses are allowed.
        inner: Sends the request; real connections by default.
    """

    def __init__(self, outbound: Outbound, inner: httpx2.AsyncBaseTransport | None = None) -> None:
        self._outbound = outbound
        # All requests of one server go to one name, so a connection that is kept belongs to it.
        self._inner = inner or httpx2.AsyncHTTPTransport(limits=httpx2.Limits(max_connections=50))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request.

        Raises:
            httpx2.ConnectError: its host has an address that no tool may use.
        """
        try:
            target = self._outbound.target(str(request.url))
            address = await self._outbound.address(target)
        except (ValueError, UpstreamError) as error:
            raise httpx2.ConnectError(str(error)) from error
        headers = request.headers.copy()
        headers["accept-encoding"] = "identity"
        checked = httpx2.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=headers,  # contains Host with the name
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": target.host},
        )
        response = await self._inner.handle_async_request(checked)
        # A small response could be huge when unpacked.
        if "content-encoding" in response.headers:
            await response.aclose()
            raise httpx2.ReadError("the response is compressed")
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Limited(response.stream)
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        await self._inner.aclose()


@asynccontextmanager
async def over_http(
    url: str, headers: Mapping[str, str], outbound: Outbound, on_change: Callable[[], None]
) -> AsyncIterator[McpSession]:
    """Connect to a server that speaks streamable HTTP.

    Args:
        url: Of the server.
        headers: Of each request, with secrets filled in.
        outbound: Which addresses are allowed.
        on_change: Called when the server says that its catalogue has changed.
    """
    client = httpx2.AsyncClient(
        headers=dict(headers),
        transport=CheckedTransport(outbound),
        timeout=httpx2.Timeout(READ_SECONDS, connect=5.0),
        follow_redirects=False,  # a redirect is an answer that is none
        trust_env=False,  # no proxy, which would resolve the name again
    )
    async with client, _opened(streamable_http_client(url, http_client=client), on_change) as session:
        yield session


@asynccontextmanager
async def over_stdio(
    command: Sequence[str], environment: Mapping[str, str], on_change: Callable[[], None]
) -> AsyncIterator[McpSession]:
    """Start a command that speaks MCP on its standard input and output, and stop it at the end.

    Args:
        command: Program and arguments.
        environment: Variables besides PATH, HOME and the like; it receives no others of ours.
        on_change: See `over_http`.
    """
    parameters = StdioServerParameters(command=command[0], args=list(command[1:]), env=dict(environment))
    # A command may write what callers said to its standard error.
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: ASYNC230, PTH123 - a device
        async with _opened(stdio_client(parameters, errlog=nowhere), on_change) as session:
            yield session


@asynccontextmanager
async def _opened(transport: Any, on_change: Callable[[], None]) -> AsyncIterator[McpSession]:  # noqa: ANN401 - the SDK's
    async def heard(message: object) -> None:
        if isinstance(message, types.ToolListChangedNotification) or isinstance(
            getattr(message, "root", None), types.ToolListChangedNotification
        ):
            on_change()

    client = Client(transport, client_info=_CLIENT, message_handler=heard, cache=None)
    async with client:
        yield _Session(client.session)
