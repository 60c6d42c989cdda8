"""Freed memory returns to the machine."""

import asyncio
import ctypes
import gc
import subprocess
import sys
from pathlib import Path
from weakref import ref

import pytest

from agent_core.memory_tuning import tidying
from tests.support.waiting import until

HOLES = """
import asyncio, os, sys
from agent_core.memory_tuning import tidying
from tests.soak.memory import resident_mb

async def main():
    pieces = [bytes(1000 + n % 7) for n in range(100_000)]  # the C library's, which keeps what is so small
    for _ in range(5):
        del pieces[1::2]
    kept = resident_mb(os.getpid())[0]
    if sys.argv[1] == "tidy":
        async with tidying(0.01):
            await asyncio.sleep(1)
    print(kept - resident_mb(os.getpid())[0], len(pieces))

asyncio.run(main())
"""
FOUR_THREADS = """
import ctypes, sys, threading
from agent_core.memory_tuning import use_one_heap
if sys.argv[2] == "one":
    use_one_heap()
kept, libc = [], ctypes.CDLL(None)
threads = [threading.Thread(target=lambda: kept.extend(bytes(1000 + n % 7) for n in range(1000))) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.fopen.restype = ctypes.c_void_p
report = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, report)
libc.fclose(report)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="this C library gives nothing back")
@pytest.mark.parametrize("wish", ["tidy", "as it is"])
def test_holes_between_what_is_used_are_given_back(wish: str) -> None:
    """One piece in thirty-two stays in use and holds all of them, until the heap is trimmed."""
    figures = subprocess.run(
        [sys.executable, "-c", HOLES, wish], check=True, timeout=30, capture_output=True, text=True
    ).stdout.split()
    assert (float(figures[0]) > 40) is (wish == "tidy")
    assert int(figures[1]) == 3125


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="this C library has one heap anyway")
@pytest.mark.parametrize("wish", ["one", "as it is"])
def test_threads_share_a_heap(tmp_path: Path, wish: str) -> None:
    """All threads use one heap on request, as the C library reports; by default it makes several."""
    report = tmp_path / "heaps.xml"
    subprocess.run([sys.executable, "-c", FOUR_THREADS, str(report), wish], check=True, timeout=30)
    assert (report.read_text().count("<heap nr=") == 1) is (wish == "one")


class _Ring:
    """Refers to itself, as what a conversation leaves does."""

    def __init__(self) -> None:
        self.next = self


async def test_what_refers_to_itself_does_not_pile_up() -> None:
    """Cycles are collected before the interpreter's own threshold."""
    gc.disable()
    try:
        left = ref(_Ring())
        assert left() is not None
        async with tidying(0.01):
            await until(lambda: left() is None)
    finally:
        gc.enable()


async def test_it_ends_with_its_block() -> None:
    """The task ends with its block."""
    before = asyncio.all_tasks()
    async with tidying():
        assert len(asyncio.all_tasks()) == len(before) + 1
    assert asyncio.all_tasks() == before
