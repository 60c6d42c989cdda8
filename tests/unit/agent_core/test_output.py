"""Lines of a log never make a conversation wait."""

import os

from agent_core.observability.output import PatientOutput


def test_lines_that_wait_are_written_later_and_in_order() -> None:
    """A reader that comes back gets what it missed."""
    reader, writer = os.pipe()
    try:
        os.set_blocking(reader, False)
        output = PatientOutput(writer)
        for number in range(30_000):
            print(number, file=output, flush=True)
        read = b""
        while (piece := _read(reader)) or output._waiting:
            read += piece
            output.flush()
        assert read.split() == [b"%d" % number for number in range(30_000)]
        assert output.lost == 0
    finally:
        os.close(reader)
        os.close(writer)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except BlockingIOError:
        return b""


def test_what_nobody_reads_is_lost_by_whole_lines_and_counted() -> None:
    """Memory is bounded, and no half a line is left."""
    reader, writer = os.pipe()
    try:
        output = PatientOutput(writer, most=1000)
        for _ in range(3000):
            print("x" * 99, file=output, flush=True)
        assert output.lost > 0
        assert len(output._waiting) <= 1000
        assert output._waiting.endswith(b"\n")
    finally:
        os.close(reader)
        os.close(writer)


def test_a_reader_that_is_gone_harms_nobody() -> None:
    """A broken pipe takes lines as a full disk does: not at all."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        output = PatientOutput(writer)
        print("hello", file=output, flush=True)
        assert output.lost == 1
    finally:
        os.close(writer)
