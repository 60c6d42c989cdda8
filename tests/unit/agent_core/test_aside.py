"""Work that hangs blocks only the work queued behind it, and never the end of the process."""

import asyncio
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from agent_core.aside import Aside
from tests.support.waiting import until

if TYPE_CHECKING:
    from concurrent.futures import Future


async def test_work_is_done_in_order_and_its_errors_are_raised() -> None:
    """One thread does the work in order and raises its errors, whatever became of earlier work."""
    aside = Aside("aside")
    done: list[int] = []
    await asyncio.gather(*(aside.run(lambda number=number: done.append(number)) for number in range(20)))  # type: ignore[misc]
    assert done == list(range(20))
    with pytest.raises(ZeroDivisionError):
        await aside.run(lambda: 1 // 0)
    assert await aside.run(threading.current_thread) is await aside.run(threading.current_thread)
    aside.close()


async def test_what_is_given_up_while_it_waits_is_not_done() -> None:
    """Cancelled work in the queue is skipped once the hanging work has ended."""
    aside, hanging, done = Aside("aside"), threading.Event(), list[str]()
    first = aside.submit(hanging.wait)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await aside.run(lambda: done.append("given up"))
    hanging.set()
    await aside.run(lambda: done.append("next"))
    assert first.result()
    assert done == ["next"]
    aside.close()


async def test_work_does_not_pile_up_behind_what_hangs() -> None:
    """Work behind a hanging one is rejected immediately once the queue is full."""
    aside, hanging = Aside("aside"), threading.Event()
    first = aside.submit(hanging.wait)
    waiting: list[Future[int]] = []
    with pytest.raises(RuntimeError, match="busy"):
        waiting.extend(aside.submit(int) for _ in range(1000))
    assert 50 < len(waiting) < 200
    hanging.set()
    await until(lambda: first.done() and waiting[-1].done())
    aside.close()


async def test_threads_end_when_it_is_closed() -> None:
    """Queued work is done before the threads end."""
    aside = Aside("aside-that-closes", threads=2)
    last = [aside.submit(int) for _ in range(5)]
    aside.close()
    with pytest.raises(RuntimeError, match="closed"):
        aside.submit(int)
    await until(lambda: all(one.name != "aside-that-closes" for one in threading.enumerate()))
    assert all(one.done() for one in last)


def test_a_process_ends_while_work_hangs() -> None:
    """Python does not wait for hanging work, as it would for threads of its own pools."""
    program = (
        "import asyncio, threading\n"
        "from agent_core.aside import Aside\n"
        "async def main():\n"
        "    Aside('aside').submit(threading.Event().wait)\n"
        "    await asyncio.sleep(0)\n"
        "asyncio.run(main())\n"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0
