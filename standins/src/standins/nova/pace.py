"""How fast the model thinks and speaks: as measured in the field, or quick for tests of other things."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Final


@dataclass(frozen=True, slots=True)
class Pace:
    """Delays of one stand-in, in seconds unless stated."""

    think: float = 0.1
    """From the end of the caller's turn to the first event of a spoken reply, before synthesis."""
    think_tool: float = 0.1
    """From the end of the caller's turn to the first event of a reply that starts with a tool."""
    after_result: float = 0.0
    """From a tool's result to the next event."""
    text_to_audio: float = 0.0
    """From the end of a sentence's planned text to the start of its audio."""
    chunk: float = 0.04
    """Length of the audio in one audioOutput."""
    speed: float = 3.0
    """Audio is delivered evenly at this multiple of real time, unless there are `bursts`."""
    bursts: tuple[tuple[int, float], ...] = ()
    """Pairs of a number of chunks sent at once and the pause after them, repeated in each sentence."""
    tool_deadline: float = 30.0
    """Timeout for a tool's result; then the dialogue continues with `{"error": "no_result"}`."""
    voice_deadline: float = 15.0
    """Timeout for the synthesis of a sentence."""
    way_to_ear: float = 0.3
    """Speech within this time after the playout has ended still counts as an interruption."""

    def waits(self, speed: float | None = None) -> Iterator[float]:
        """Yield the delay after each chunk of a sentence; with `speed`, evenly at that speed."""
        if speed is not None or not self.bursts:
            while True:
                yield self.chunk / (speed or self.speed)
        for chunks, pause in cycle(self.bursts):
            for _ in range(chunks - 1):
                yield 0.0
            yield pause


QUICK: Final = Pace()
"""For tests: shorter delays than any model, evenly spaced audio."""

FIELD: Final = Pace(
    think=0.63,
    think_tool=0.288,
    after_result=0.339,
    text_to_audio=0.115,
    chunk=0.08,
    bursts=((3, 0.4), (10, 0.08), (7, 0.16), (20, 0.0)),
)
"""As measured in public reports.

Nova 2.5, one team, from userSpeechEnd with a tool that answers in 3 ms: toolUse after 266 to 309 ms, first text after
618 to 642, first audio after 735 to 766. A reply without a tool is assumed to be no sooner. Nova 2, two logs: chunks of
80 ms, gaps of up to 0.4 s ("a player needs a head start"), about 5 times real time on average. Here 40 chunks, 3.2 s of
audio, take 0.64 s, and the longest gap follows after only 240 ms of audio: a player without a buffer underruns.
"""

PROFILES: Final = {"field": FIELD, "quick": QUICK}
