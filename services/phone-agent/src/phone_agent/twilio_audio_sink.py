"""Send the agent's audio to a call as it arrives, and stop when the caller speaks.

Twilio's buffer is the only play-out buffer. A clock of what was sent tracks what the caller has heard.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from agent_core.events import SessionStats
from phone_agent import media_stream, ulaw
from phone_agent.playout import MarkOutcome, PlayoutClock

SAMPLE_RATE = 8000
"""Hz from end to end: Nova Sonic uses the telephone network's rate, so nothing is resampled."""
_ANSWER = "answer-"
_ALIVE = "alive"
"""A mark that belongs to no reply: its echo shows that Twilio is alive."""
MAX_CODES = 8000
"""Most audio in one message: one second. Twilio documents no limit, so this stays far from any."""


class Outbox:
    """Queues the messages for a call's WebSocket, in order; consecutive audio is joined. No I/O.

    Audio still queued when the caller interrupts was never sent, so it is dropped.

    Args:
        stream_sid: The stream that they are for.
    """

    def __init__(self, stream_sid: str) -> None:
        self._stream_sid = stream_sid
        self._sound = bytearray()
        self._messages: deque[str] = deque()

    def play(self, codes: bytes) -> None:
        """Add audio: µ-law, one byte per sample."""
        self._sound += codes

    def mark(self, name: str) -> None:
        """Add a mark after the audio queued so far."""
        self._close_sound()
        self._messages.append(media_stream.mark(self._stream_sid, name))

    def clear(self) -> None:
        """Drop everything queued, and make Twilio drop what it has buffered."""
        self._sound.clear()
        self._messages.clear()
        self._messages.append(media_stream.clear(self._stream_sid))

    def take(self) -> list[str]:
        """Return and remove everything queued."""
        self._close_sound()
        messages = list(self._messages)
        self._messages.clear()
        return messages

    def _close_sound(self) -> None:
        for at in range(0, len(self._sound), MAX_CODES):
            piece = bytes(self._sound[at : at + MAX_CODES])
            self._messages.append(media_stream.media(self._stream_sid, piece))
        self._sound.clear()


class TwilioAudioSink:
    """Converts the agent's audio, 16-bit PCM at 8 kHz, to Media Streams messages.

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
        """Send audio after what was sent before."""
        if self._stats.first_audio_ms is None:
            self._stats.first_audio_ms = round((self._clock() - self._started) * 1000)
        self.say(pcm)

    def say(self, pcm: bytes) -> None:
        """Send a recording after what was sent before, without a mark: its end needs no notification."""
        samples = len(pcm) // 2
        self._playout.sent(samples, self._clock())
        self._stats.audio_out_ms += samples * 1000 // SAMPLE_RATE
        self._outbox.play(ulaw.encode(pcm))
        self._work.set()

    def sounds_for(self) -> float:
        """Return the seconds until the caller has heard everything that was sent."""
        return self._playout.remaining(self._clock())

    def interrupt(self) -> None:
        """Stop at once, if the caller may still be hearing the agent."""
        now = self._clock()
        if not self._playout.is_playing(now):
            return
        # Audio that will not be heard is not counted as heard.
        self._stats.audio_out_ms -= self._playout.cleared(now)
        self._outbox.clear()
        self._work.set()

    def finish_answer(self) -> None:
        """Send a mark after the reply; its echo arrives when the caller has heard the reply."""
        self._answers += 1
        name = f"{_ANSWER}{self._answers}"
        self._playout.marked(name)
        self._outbox.mark(name)
        self._work.set()

    def ask(self) -> None:
        """Send a mark that Twilio echoes whether or not there is audio before it."""
        self._outbox.mark(_ALIVE)
        self._work.set()

    def mark_echoed(self, name: str) -> bool:
        """Process a mark's echo; return True if the caller has heard a reply to its end."""
        return self._playout.mark_echoed(name, self._clock()) is MarkOutcome.PLAYED and name.startswith(_ANSWER)

    async def messages(self) -> list[str]:
        """Wait for messages to send, and return them."""
        await self._work.wait()
        self._work.clear()
        return self._outbox.take()
