"""Writing log lines never delays a conversation."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO

import pytest

from agent_core.observability.nonblocking_stdout import NonBlockingStdout


@dataclass(frozen=True)
class Pipe:
    """Both ends of a pipe."""

    reader: FileIO
    writer: FileIO


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """Open a pipe, and close what is still open of it at the end."""
    reader, writer = os.pipe()
    with FileIO(reader) as reading, FileIO(writer, "w") as writing:
        yield Pipe(reading, writing)


def test_lines_that_wait_are_written_later_and_in_order(pipe: Pipe) -> None:
    """A reader that comes back gets the lines that it missed, in order."""
    os.set_blocking(pipe.reader.fileno(), False)
    output = NonBlockingStdout(pipe.writer.fileno())
    for number in range(30_000):
        print(number, file=output, flush=True)
    read = b""
    while (piece := pipe.reader.read(1 << 16)) or output._waiting:
        read += piece or b""
        output.flush()
    assert read.split() == [b"%d" % number for number in range(30_000)]
    assert output.lost == 0


def test_what_nobody_reads_is_lost_by_whole_lines_and_counted(pipe: Pipe) -> None:
    """Memory is bounded, and lines are lost only as a whole."""
    output = NonBlockingStdout(pipe.writer.fileno(), most=1000)
    for _ in range(3000):
        print("x" * 99, file=output, flush=True)
    assert output.lost > 0
    assert len(output._waiting) <= 1000
    assert output._waiting.endswith(b"\n")


def test_a_reader_that_is_gone_harms_nobody(pipe: Pipe) -> None:
    """With a broken pipe, as with a full disk, lines are dropped."""
    pipe.reader.close()
    output = NonBlockingStdout(pipe.writer.fileno())
    print("hello", file=output, flush=True)
    assert output.lost == 1
