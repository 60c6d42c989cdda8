"""A closed stream of either transport leaves no task and no connection, whatever state it was in."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import CoroutineType
from typing import Any

import pytest

from agent_core.errors import ModelError
from agent_core.nova.credentials import CredentialSource
from agent_core.nova.http2.client import Http2ModelClient
from agent_core.nova.http2.model_stream import Http2ModelStream
from agent_core.nova.sdk import SdkModelClient, SdkModelStream
from agent_core.settings import NovaTransport
from standins.nova.faults import ModelFault
from standins.nova.server import NovaSettings, NovaStandin
from tests.support.score import Score
from tests.support.talk import MODEL, client, client_over
from tests.support.waiting import until

EVENT = b'{"event": {"sessionStart": {"inferenceConfiguration": {"maxTokens": 1024}}}}'
CLOSE_SECONDS = 4.0


@pytest.fixture
def credentials(aws_keys: None) -> CredentialSource:
    """Return the keys that the stand-in accepts."""
    del aws_keys
    return CredentialSource()


@pytest.fixture(params=list(NovaTransport))
def transport(request: pytest.FixtureRequest) -> NovaTransport:
    """Return each transport: both keep the same contract."""
    chosen: NovaTransport = request.param
    return chosen


@pytest.fixture
async def complaints() -> AsyncIterator[list[str]]:
    """Collect the warnings of asyncio and the interpreter about unfinished tasks."""
    messages: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: messages.append(str(context["message"])))
    yield messages
    loop.set_exception_handler(None)


def _tasks() -> set[asyncio.Task[Any]]:
    """Return the names of the tasks, without the stand-in's, which runs in this loop, too."""
    return {
        task
        for task in asyncio.all_tasks()
        if not isinstance(coroutine := task.get_coro(), CoroutineType)
        or "/standins/" not in coroutine.cr_code.co_filename
    }


async def _nothing_is_left(before: set[asyncio.Task[Any]], complaints: list[str]) -> None:
    await until(lambda: _tasks() <= before, 2)
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []


@pytest.mark.parametrize(
    "fault",
    [
        None,
        ModelFault(on="open", delay_ms=60_000),
        ModelFault(on="open", action="freeze"),
        ModelFault(on="open", action="rst", code=2),
        ModelFault(on="open", error="ThrottlingException"),
        ModelFault(on="session", action="freeze"),
        ModelFault(on="session", action="close"),
        ModelFault(on="session", action="disconnect"),
    ],
    ids=lambda fault: "well" if fault is None else f"{fault.on}-{fault.action or fault.error or 'late'}",
)
@pytest.mark.parametrize("reading", [False, True], ids=["nobody reads", "somebody reads"])
async def test_a_stream_that_is_closed_leaves_no_task(  # noqa: PLR0913 - two parameters and four fixtures
    tmp_path: Path,
    credentials: CredentialSource,
    transport: NovaTransport,
    complaints: list[str],
    fault: ModelFault | None,
    *,
    reading: bool,
) -> None:
    """Closing leaves no task before the response's headers, after them, or while a task waits for an event."""
    async with NovaStandin(NovaSettings(certificates=tmp_path), Score().backend()) as nova:
        if fault is not None:
            nova.faults.add(fault)
        opener = client_over(transport, nova, credentials)
        before = _tasks()
        stream = await opener.open(MODEL)
        await stream.send(EVENT)
        reader = asyncio.create_task(stream.receive()) if reading else None
        await asyncio.sleep(0.3)
        async with asyncio.timeout(CLOSE_SECONDS):
            await stream.close()
        if reader is not None:
            async with asyncio.timeout(1):
                assert isinstance((await asyncio.gather(reader, return_exceptions=True))[0], BaseException | None)
        del stream, reader
        await _nothing_is_left(before, complaints)
        await until(lambda: nova.ledger.streams_open == 0, 2)


async def test_an_opening_that_is_given_up_leaves_no_stream(
    tmp_path: Path, credentials: CredentialSource, transport: NovaTransport, complaints: list[str]
) -> None:
    """A caller who hangs up at any step of the opening leaves no model stream, which would cost money."""
    async with NovaStandin(NovaSettings(certificates=tmp_path), Score().backend()) as nova:
        opener = client_over(transport, nova, credentials)
        before = _tasks()
        given_up = 0
        for steps in range(40):
            session_request = asyncio.create_task(opener.open(MODEL))
            for _ in range(steps):
                await asyncio.sleep(0)
            session_request.cancel()
            (stream,) = await asyncio.gather(session_request, return_exceptions=True)
            if isinstance(stream, SdkModelStream | Http2ModelStream):
                await stream.close()
            else:
                given_up += 1
        assert given_up > 1
        await _nothing_is_left(before, complaints)
        await until(lambda: nova.ledger.streams_open == 0, 2)


@asynccontextmanager
async def _black_hole() -> AsyncIterator[tuple[str, asyncio.Server]]:
    """Accept connections and never answer."""
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", server
        for writer in held:
            writer.close()


async def test_a_connection_that_is_never_made_is_given_up(
    credentials: CredentialSource, complaints: list[str]
) -> None:
    """Closing during the connection attempt is silent, also when the attempt fails later."""
    before = _tasks()
    async with _black_hole() as (url, _):
        stream = await SdkModelClient(region="us-east-1", endpoint=url, credentials=credentials).open(MODEL)
        reader = asyncio.create_task(stream.ready())
        await asyncio.sleep(0.2)
        async with asyncio.timeout(CLOSE_SECONDS):
            await stream.close()
    with pytest.raises(ModelError):
        await asyncio.wait_for(reader, 5)
    del stream, reader
    await _nothing_is_left(before, complaints)


async def test_a_connection_attempt_is_cancelled(credentials: CredentialSource, complaints: list[str]) -> None:
    """Our own HTTP/2 connects while it opens: cancelling ends the attempt, and so does its deadline."""
    before = _tasks()
    async with _black_hole() as (url, _):
        opener = Http2ModelClient(region="us-east-1", endpoint=url, credentials=credentials)
        opening = asyncio.create_task(opener.open(MODEL))
        await asyncio.sleep(0.2)
        opening.cancel()
        await asyncio.wait({opening})
        with pytest.raises(ModelError, match="TimeoutError"):
            await opener.open(MODEL)
    del opening, opener
    await _nothing_is_left(before, complaints)


async def test_a_connection_that_comes_too_late_is_closed(
    tmp_path: Path, credentials: CredentialSource, complaints: list[str]
) -> None:
    """A connection that completes after the conversation closes without opening a stream."""
    async with NovaStandin(NovaSettings(certificates=tmp_path), Score().backend()) as nova:
        opener = client(nova, credentials)
        before = _tasks()
        stream = await opener.open(MODEL)
        async with asyncio.timeout(CLOSE_SECONDS):
            await stream.close()
        del stream
        await _nothing_is_left(before, complaints)
        assert nova.ledger.streams_opened == 0
