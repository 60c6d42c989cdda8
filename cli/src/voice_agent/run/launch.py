"""Start the programs of a plan, wait until one ends, and stop them in order."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from http import HTTPStatus
from pathlib import Path

import httpx

from voice_agent.run.banner import banner, is_for_people, short
from voice_agent.run.parts import Program
from voice_agent.run.plan import Plan
from voice_agent.run.process import Child, ChildError
from voice_agent.run.state import write_state

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, `kill`, and a closed terminal, which the children would survive in their own sessions."""
_PAGE_SECONDS = 3.0
NOT_BUILT = "page is not built"
"""Text that the service returns without its page."""

type Say = Callable[[str], None]


async def launch(plan: Plan, folder: Path, say: Say, *, then: str | None = None) -> int:
    """Run the children until a signal, the end of the command, or the exit of a child.

    Args:
        plan: What to start.
        folder: Holds logs and the state file.
        say: Receives every line of output.
        then: A shell command to run when everything is ready; its exit code is returned.

    Raises:
        ChildError: A child exited or did not become ready; the others have been stopped.
    """
    children: list[Child] = []
    with _cancelled_by_signals():
        try:
            return await _lead(plan, children, folder, say, then)
        except asyncio.CancelledError:
            say("Stopping: calls may end first. Ctrl-C again does not wait.")
            return 0
        finally:
            # A second signal cancels the graceful stop, whose `finally` then kills what is left.
            with contextlib.suppress(asyncio.CancelledError):
                await _stop(children, {agent.name for agent in plan.agents})


@contextlib.contextmanager
def _cancelled_by_signals() -> Iterator[None]:
    """Cancel this task on each signal."""
    # Cancelling runs every `finally`, so a signal stops the children in the usual order.
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    for number in _SIGNALS:
        loop.add_signal_handler(number, lambda: task and task.cancel())
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def _lead(plan: Plan, children: list[Child], folder: Path, say: Say, then: str | None) -> int:
    await _start(plan.standins, children, folder, say)
    await _start(plan.agents, children, folder, say)
    # The edge comes last, so that its port answers only when the services behind it do.
    await _start([plan.edge], children, folder, say)
    page = await _has_page(plan)
    pids = {"voice-agent": os.getpid(), **{child.program.name: child.pid for child in children}}
    state = write_state(folder, plan.state, pids)
    say(banner(plan, page=page))
    try:
        return await _until_over(children, then)
    finally:
        state.unlink(missing_ok=True)


async def _has_page(plan: Plan) -> bool:
    """Return whether the service has its page; without one it answers 503. True if it does not answer."""
    async with httpx.AsyncClient(trust_env=False, timeout=_PAGE_SECONDS) as client:
        try:
            answer = await client.get(str(plan.state["base_url"]))
        except httpx.HTTPError:
            return True
    return answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE or NOT_BUILT not in answer.text


async def _start(programs: Sequence[Program], children: list[Child], folder: Path, say: Say) -> None:
    def show(name: str, line: str) -> None:
        if is_for_people(line):
            say(short(name, line))

    # All start before the first is waited for: their imports overlap.
    started = [Child(program, folder / f"{program.name}.jsonl", show) for program in programs]
    for child in started:
        say(f"starting {child.program.name} …")
        await child.start()
        children.append(child)
    begin = time.monotonic()
    try:
        async with asyncio.TaskGroup() as group:
            for child in started:
                group.create_task(_ready(child, begin, say))
    except* ChildError as errors:
        # One cause is enough: the other children often fail because of the first.
        raise errors.exceptions[0] from None


async def _ready(child: Child, begin: float, say: Say) -> None:
    await child.ready()
    say(f"{child.program.name} is ready after {time.monotonic() - begin:.1f} s")


async def _until_over(children: Sequence[Child], then: str | None) -> int:
    """Wait for the command, if there is one, or for the first child that exits.

    Raises:
        ChildError: A child exited.
    """
    deaths = [asyncio.create_task(child.ended()) for child in children]
    command = [asyncio.create_task(_command(then))] if then else []
    try:
        await asyncio.wait([*deaths, *command], return_when=asyncio.FIRST_COMPLETED)
        for death in deaths:
            if death.done():
                raise ChildError(death.result())
        return command[0].result()
    finally:
        for one in (*deaths, *command):
            one.cancel()
        await asyncio.wait([*deaths, *command])


async def _command(text: str) -> int:
    process = await asyncio.create_subprocess_shell(text, start_new_session=True)
    try:
        return await process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGTERM)  # with its background processes


async def _stop(children: Sequence[Child], agents: Collection[str]) -> None:
    """Stop the services first, so that calls end while the stand-ins still run; a second Ctrl-C kills everything."""
    first = [child for child in children if child.program.name in agents]
    try:
        await asyncio.gather(*(child.stop() for child in first))
        await asyncio.gather(*(child.stop() for child in children if child not in first))
    finally:
        for child in children:
            child.kill()
