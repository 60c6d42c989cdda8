"""The agent's side of a telephone line: its voice goes out as it comes, and stops when the caller speaks.

Twilio's buffer is the only play-out buffer. A clock of what was sent tells what the caller has heard.
"""

import asyncio
from collections.abc import Callable

from agent_core.events import SessionStats
from phone_agent import ulaw
from phone_agent.outbox import Outbox
from phone_agent.playout import MarkOutcome, PlayoutClock

SAMPLE_RATE = 8000
"""Hz from end to end: Nova Sonic takes and gives what the telephone network carries, so nothing is resampled."""
_ANSWER = "answer-"
_ALIVE = "alive"
"""A mark that is no answer's: its echo says that Twilio is there."""


class TwilioAudioSink:
    """Takes the agent's sound as 16-bit PCM at 8 kHz and gives out Media Streams messages.

    Args:
        stream_sid: The stream of this call.
        stats: Counts what was said.
        clock: Monotonic seconds.
    """

    def __init__(self, stream_sid: str, stats: SessionStats, clock: Callable[[], float]) -> None:
        self._outbox = Outbox(stream_sid)
        self._playout = PlayoutClock(SAMPLE_RATE)
        self._stats = stats
        self._clock = clock
        self._started = clock()
        self._answers = 0
        self._work = asyncio.Event()

    def play(self, pcm: bytes) -> None:
        """Send sound after what was sent before."""
        if self._stats.first_audio_ms is None:
            self._stats.first_audio_ms = round((self._clock() - self._started) * 1000)
        self.say(pcm)

    def say(self, pcm: bytes) -> None:
        """Send a recording after what was sent before, and no mark: nobody waits for its end."""
        samples = len(pcm) // 2
        self._playout.sent(samples, self._clock())
        self._stats.audio_out_ms += samples * 1000 // SAMPLE_RATE
        self._outbox.play(ulaw.encode(pcm))
        self._work.set()

    def sounds_for(self) -> float:
        """Give the seconds until the caller will have heard all that was sent."""
        return self._playout.remaining(self._clock())

    def interrupt(self) -> None:
        """Stop at once, if the caller may still be hearing us."""
        now = self._clock()
        if not self._playout.is_playing(now):
            return
        self._stats.audio_out_ms -= self._playout.cleared(now)
        self._outbox.clear()
        self._work.set()

    def finish_answer(self) -> None:
        """Put a mark behind the answer; it comes back when the caller has heard it."""
        self._answers += 1
        name = f"{_ANSWER}{self._answers}"
        self._playout.marked(name)
        self._outbox.mark(name)
        self._work.set()

    def ask(self) -> None:
        """Put a mark behind everything that comes back whether there is sound before it or not."""
        self._outbox.mark(_ALIVE)
        self._work.set()

    def mark_echoed(self, name: str) -> bool:
        """Take a mark that came back; True when the caller has heard an answer to its end."""
        return self._playout.mark_echoed(name, self._clock()) is MarkOutcome.PLAYED and name.startswith(_ANSWER)

    async def messages(self) -> list[str]:
        """Wait for something to send."""
        await self._work.wait()
        self._work.clear()
        return self._outbox.take()
