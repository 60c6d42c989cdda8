"""The clock that tests share skips waits, and nothing else."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.support.virtual import shared_clock, waits_are_skipped
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(shared_clock() is None, reason="this machine has no /proc: tests go by its own clock")

_SERVER = """
import asyncio, sys

async def play(reader, writer):
    for number in range(100):
        writer.write(bytes([number]))
        await asyncio.sleep(0.02)
    writer.close()

async def main():
    server = await asyncio.start_server(play, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(3600)

asyncio.run(main())
"""


async def test_a_day_of_waiting_takes_no_time() -> None:
    """A wait of a day takes no time, and all three clocks agree about its length."""
    loop = asyncio.get_running_loop()
    began, monotonic, wall = loop.time(), time.monotonic(), time.time()
    await asyncio.sleep(86_400)
    assert loop.time() - began == pytest.approx(86_400, abs=0.01)
    assert time.monotonic() - monotonic == pytest.approx(86_400, abs=0.01)
    assert time.time() - wall == pytest.approx(86_400, abs=0.01)


def test_a_sleep_takes_no_time() -> None:
    """A sleep takes no time, also without an event loop."""
    began = time.monotonic()
    time.sleep(86_400)
    assert time.monotonic() - began == pytest.approx(86_400, abs=0.01)


def test_a_signal_anywhere_in_a_wait_leaves_the_clock_to_others() -> None:
    """An error of a signal handler, at whichever line of the code that moves the clock, does not keep it locked."""

    class SignalError(Exception):
        pass

    def sleep_until_line(number: int) -> bool:
        """Sleep, and return whether the wait had so many lines that it was interrupted."""
        lines, depth = 0, 0

        def trace(frame: FrameType, event: str, _argument: object) -> Any:  # noqa: ANN401 - it returns itself
            nonlocal lines, depth
            if "preload" not in frame.f_code.co_filename or not (depth or frame.f_code.co_name == "skip"):
                return None
            depth += (event == "call") - (event == "return")
            lines += event == "line"
            if lines == number:
                lines += 1
                raise SignalError
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            time.sleep(1)
        except SignalError:
            return True
        finally:
            sys.settrace(before)
        return False

    number = 1
    while sleep_until_line(number):
        time.sleep(1)
        thread = threading.Thread(target=time.sleep, args=(1,))
        thread.start()
        thread.join()
        number += 1
    assert number > 50  # fewer lines than any wait has


async def test_waits_end_in_their_order() -> None:
    """Waits end in their order, however close they are, also if a short one begins during a long one."""
    ended: list[float] = []

    async def wait(seconds: float) -> None:
        await asyncio.sleep(seconds)
        ended.append(seconds)

    waits = [0.5, 0.003, 30.0, 0.001, 0.25, 7.0]
    await asyncio.gather(*map(wait, waits))
    assert ended == sorted(waits)


async def test_sound_from_another_process_comes_when_it_was_sent() -> None:
    """Audio of another process keeps its rhythm: a hundred packets, 20 ms apart."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _SERVER, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", int(await process.stdout.readline()))
    arrived = []
    while piece := await reader.read(1):
        arrived.append((piece[0], time.monotonic()))
    writer.close()
    process.kill()
    await process.wait()
    assert [number for number, _ in arrived] == list(range(100))
    assert arrived[-1][1] - arrived[0][1] == pytest.approx(99 * 0.02, abs=0.002)
    assert all(before <= after for (_, before), (_, after) in pairwise(arrived))


async def test_the_clock_stands_still_while_a_thread_works() -> None:
    """The clock stops while a thread works, so that a slow machine misses no deadline."""
    began = time.monotonic()
    async with asyncio.timeout(0.01):
        await asyncio.to_thread(lambda: sum(range(3_000_000)))
    assert time.monotonic() - began < 0.01


async def test_the_clock_stands_still_while_a_program_starts() -> None:
    """The clock stops while a program starts, which takes longer than the test's wait."""
    program = [sys.executable, "-c", "print(sum(range(3_000_000)))"]
    async with asyncio.timeout(0.25):
        process = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
        await process.communicate()
    assert process.returncode == 0


_LARGE = """
import threading, time
memory = bytearray(b"x") * 400_000_000
for _ in range(4):
    threading.Thread(target=time.sleep, args=(3600,)).start()
print("ready", flush=True)
"""


async def test_the_clock_stands_still_while_a_process_ends() -> None:
    """The clock stops while a process ends, until the kernel has released it."""

    async def tick() -> None:
        for _ in range(60_000):
            await asyncio.sleep(0.001)

    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _LARGE, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    await process.stdout.readline()
    ticking = asyncio.create_task(tick())
    began = time.monotonic()
    process.kill()
    await process.wait()
    assert time.monotonic() - began < 0.01
    ticking.cancel()


async def test_the_clock_does_not_stand_still_for_what_began_in_real_time() -> None:
    """The clock does not stop for a process that started in real time, such as a shared browser."""
    clock = shared_clock()
    clock.virtual = False
    endless = subprocess.Popen([sys.executable, "-c", "while True: pass"])  # noqa: ASYNC220 - the test must not wait for it
    try:
        clock.virtual = True
        began = time.monotonic()
        await asyncio.sleep(60)
        assert time.monotonic() - began == pytest.approx(60, abs=0.01)
        program = [sys.executable, "-c", "print(sum(range(3_000_000)))"]
        async with asyncio.timeout(0.25):
            process = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
            await process.communicate()
        assert process.returncode == 0
    finally:
        endless.kill()
        endless.wait()


async def test_a_thread_that_waits_is_woken_in_its_turn() -> None:
    """A thread that sleeps is woken in its turn, by the same clock as waits of the event loop."""
    order = []

    def work() -> None:
        time.sleep(5)
        order.append("thread")

    thread = threading.Thread(target=work)
    thread.start()
    await asyncio.sleep(4)
    order.append("loop at 4")
    await until(lambda: not thread.is_alive())
    order.append("loop")
    thread.join()
    assert order == ["loop at 4", "thread", "loop"]


def test_a_poll_that_waits_for_time_to_pass_comes_back() -> None:
    """A loop that polls the clock ends, although it contains no wait to skip."""
    reader, writer = multiprocessing.Pipe(duplex=False)
    assert not reader.poll()
    writer.close()
    reader.close()


async def test_threads_that_wait_at_once_are_all_on_time() -> None:
    """Threads that wait at once are all on time, and none advances the clock past another's deadline."""
    late = []

    def work(step: float) -> None:
        for _ in range(200):
            wanted = time.monotonic() + step
            time.sleep(step)
            late.append(time.monotonic() - wanted)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.000_01)
    try:
        await asyncio.gather(*(asyncio.to_thread(work, 0.003 + number / 1000) for number in range(4)))
    finally:
        sys.setswitchinterval(interval)
    assert max(late) < 0.002


def test_a_process_that_starts_in_real_time_is_left_as_it_ships(tmp_path: Path) -> None:
    """A process that starts in real time has the machine's clock and uvloop, as in production."""
    clock = tmp_path / "clock"
    module = sys.modules["virtual_clock"]
    module.SharedClock(clock, always=False)  # a new clock is real until a test makes it virtual
    code = "import sys, time, uvloop; print(uvloop.__name__, time.monotonic.__module__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"VIRTUAL_CLOCK": str(clock)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["uvloop", "time"]


@pytest.mark.real_time("it is about that")
def test_a_mark_gives_a_test_the_machine_s_clock() -> None:
    """A mark gives a test the machine's clock, and says why."""
    assert not waits_are_skipped()


def test_every_mark_says_why(pytestconfig: pytest.Config) -> None:
    """Every mark has its reason beside the test."""
    pattern = "mark.real_time"
    for path in (pytestconfig.rootpath / "tests").rglob("test_*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if pattern in line and "pattern" not in line:
                assert f'{pattern}("' in line, f"{path.name}: {line.strip()}"
