"""How fast the model thinks and speaks: as in the field, or quick for tests of something else."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Final


@dataclass(frozen=True, slots=True)
class Pace:
    """The timing of one stand-in, in seconds unless marked."""

    think: float = 0.1
    """From the end of the caller's turn to the first event of a reply in words, before synthesis."""
    think_tool: float = 0.1
    """From the end of the caller's turn to the first event of a reply that begins with a tool."""
    after_result: float = 0.0
    """From a tool's result to the next event."""
    text_to_audio: float = 0.0
    """From the end of a sentence's planned text to the start of its audio."""
    chunk: float = 0.04
    """Length of the audio in one audioOutput."""
    speed: float = 3.0
    """Audio is delivered at this many times real time, evenly, where there are no `bursts`."""
    bursts: tuple[tuple[int, float], ...] = ()
    """Pairs of a number of chunks that are sent at once and the pause after them, repeated in each sentence."""
    tool_deadline: float = 30.0
    """How long to wait for a tool's result; then the dialogue continues with ``{"error": "no_result"}``."""
    voice_deadline: float = 15.0
    """How long the synthesis of a sentence may take."""
    way_to_ear: float = 0.3
    """For this long after the playout clock has run down, speech is still a barge-in."""

    def waits(self, speed: float | None = None) -> Iterator[float]:
        """Give the time from each chunk of a sentence to the next; with `speed`, evenly at that speed."""
        if speed is not None or not self.bursts:
            while True:
                yield self.chunk / (speed or self.speed)
        for chunks, pause in cycle(self.bursts):
            for _ in range(chunks - 1):
                yield 0.0
            yield pause


QUICK: Final = Pace()
"""For tests: less waiting than any model, evenly."""

FIELD: Final = Pace(
    think=0.63,
    think_tool=0.288,
    after_result=0.339,
    text_to_audio=0.115,
    chunk=0.08,
    bursts=((3, 0.4), (10, 0.08), (7, 0.16), (20, 0.0)),
)
"""As public reports measured it.

Nova 2.5, one team, from userSpeechEnd with a tool that answers in 3 ms: toolUse after 266 to 309 ms, first text after
618 to 642, first audio after 735 to 766. An answer without a tool is taken to be no sooner. Nova 2, two logs: chunks of
80 ms, gaps of up to 0.4 s ("a player needs a head start"), about 5 times real time on average. Here 40 chunks, 3.2 s of
audio, take 0.64 s, and the longest gap comes when only 240 ms were sent: a player without a head start runs dry.
"""

PROFILES: Final = {"field": FIELD, "quick": QUICK}
