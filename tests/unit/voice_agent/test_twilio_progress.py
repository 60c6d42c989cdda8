"""The progress line of calls."""

import io

from standins.twilio import Handset
from voice_agent.call.progress import describe, progress


def _handset(*events: str) -> Handset:
    handset = Handset("http://127.0.0.1:1")
    for event in events:
        handset.timeline.record(event)
    return handset


def test_one_caller_is_described_by_what_happened_last() -> None:
    """A single caller is described by the last event that changes what it does."""
    assert describe([_handset()]) == "dialling"
    assert describe([_handset("ring", "answered", "stream_started", "mark")]) == "waiting to be greeted"
    assert describe([_handset("sound_begins", "clear")]) == "listening"


def test_many_callers_are_counted() -> None:
    """Of many callers those whose call has ended are counted."""
    assert describe([_handset("ring"), _handset("ring", "ended")]) == "1 of 2 calls are over"


async def test_nothing_is_written_where_nobody_looks() -> None:
    """A file or a pipe gets no progress."""
    out = io.StringIO()
    async with progress([_handset("ring")], out):
        pass
    assert out.getvalue() == ""
