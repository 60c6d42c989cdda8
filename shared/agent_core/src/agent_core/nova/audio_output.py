"""The agent's audio between the model and the caller: its sample rate, its timing, and where it is played."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Protocol

from pipecat.frames.frames import AggregatedTextFrame, Frame, TTSAudioRawFrame, TTSStoppedFrame, TTSTextFrame

from agent_core.nova.error_policy import Quirks

RECORDING: Final = "recording"
"""Text type of a caption; pages use it to tell a caption from a sentence of a reply."""

MAX_HEAD_START_SECONDS = 0.25
"""A longer pause would feel like a slow reply. Nova 2 pauses for up to 0.4 s after its first audio (field log)."""
_GAP_MARGIN = 0.02


class AudioSink(Protocol):
    """Plays the agent's audio where it does not travel as frames. No method blocks."""

    def play(self, pcm: bytes) -> None:
        """Queue 16-bit PCM at the prompt's output rate."""

    def say(self, pcm: bytes) -> None:
        """Queue a recording; it is not part of a reply."""

    def sounds_for(self) -> float:
        """Return the seconds until the caller has heard everything queued."""

    def interrupt(self) -> None:
        """Discard everything that has not been heard: the caller talks over the agent."""

    def finish_answer(self) -> None:
        """Mark the reply as complete."""


class FrameAudioSink:
    """Pushes audio down the pipeline and tracks how long it will play.

    Args:
        push: Pushes a frame.
        rate: Hz of the 16-bit mono PCM.
    """

    def __init__(self, push: Callable[[Frame], Awaitable[None]], rate: int) -> None:
        self._push = push
        self._rate = rate
        self._played_at = 0.0
        self.phrase_only = False
        """Whether everything that is playing is a recording rather than a reply."""

    async def play(self, pcm: bytes) -> None:
        """Play a piece of a reply."""
        self.phrase_only = False
        self._reckon(pcm)
        await self._push(TTSAudioRawFrame(pcm, self._rate, 1))

    def say(self, pcm: bytes, words: str = "") -> Coroutine[None, None, None]:
        """Add a recording to the playing time now; the returned coroutine plays it, with its words as a caption."""
        self._reckon(pcm)
        return self._say(pcm, words)

    async def _say(self, pcm: bytes, words: str) -> None:
        caption = _caption(words) if words else ()
        for planned in caption[:1]:
            await self._push(planned)
        await self._push(TTSAudioRawFrame(pcm, self._rate, 1))
        # Pushed after the audio: the frame arrives when the audio has been played, and is dropped by an interruption.
        for said in caption[1:]:
            await self._push(said)
        await self._push(TTSStoppedFrame())

    def _reckon(self, pcm: bytes) -> None:
        now = asyncio.get_running_loop().time()
        # The transport plays in real time, so new audio starts when the audio before it ends, or now.
        self._played_at = max(now, self._played_at) + len(pcm) / 2 / self._rate

    def sounds_for(self) -> float:
        """Return the seconds until everything pushed so far has been played."""
        return max(0.0, self._played_at - asyncio.get_running_loop().time())

    def fell_silent(self) -> bool:
        """Record that playback has stopped; return True if a reply was playing."""
        was_answer = not self.phrase_only
        self._played_at, self.phrase_only = 0.0, False
        return was_answer


def _caption(words: str) -> tuple[AggregatedTextFrame, TTSTextFrame]:
    """Return the frames that report words as planned and as spoken.

    Like those of a sentence, they become ``bot-output`` messages. The model does not know the recording, so they stay
    out of its context and out of ``bot-transcription``.
    """
    planned = AggregatedTextFrame(words, text_type=RECORDING)
    said = TTSTextFrame(words, text_type=RECORDING, segment_id=planned.id)
    said.includes_inter_frame_spaces = True
    for frame in (planned, said):
        frame.append_to_context = False
        frame.will_be_spoken = True
    return planned, said


class CutVoice:
    """Mutes the rest of a reply after a key press.

    The model does not know yet that the caller pressed a key and continues its reply, which must not be heard.

    Args:
        voice: Plays the audio.
        protects: Returns whether a barge-in must not stop the audio now; a key stops it all the same.
    """

    def __init__(self, voice: AudioSink, protects: Callable[[], bool] = lambda: False) -> None:
        self._voice = voice
        self._protects = protects
        self._answering = False
        self._cut = False

    def cut(self) -> None:
        """Stop now, and mute the rest of the current reply."""
        self._cut = self._answering
        self._voice.interrupt()

    def play(self, pcm: bytes) -> None:
        """Play, unless this reply was cut off."""
        self._answering = True
        if not self._cut:
            self._voice.play(pcm)

    def say(self, pcm: bytes) -> None:
        """Play a recording."""
        self._voice.say(pcm)

    def sounds_for(self) -> float:
        """Return the seconds until everything has been heard."""
        return self._voice.sounds_for()

    def interrupt(self) -> None:
        """Stop, unless the audio is protected: the model has noticed that the caller speaks."""
        self._answering = self._cut = False
        if not self._protects():
            self._voice.interrupt()

    def finish_answer(self) -> None:
        """End the reply; the next one is audible."""
        self._answering = self._cut = False
        self._voice.finish_answer()


class DeclaredRate:
    """Resample blocks that declare their own sample rate; the declared rate is taken as correct.

    Args:
        rate: Hz of the 16-bit mono PCM that the caller's side plays.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._declared = rate
        self._stream: Any = None

    def begin(self, declared: int | None) -> None:
        """Start a block of audio."""
        declared = declared or self._rate
        if declared == self._declared:
            return
        self._declared, self._stream = declared, None
        if declared != self._rate:
            import soxr  # noqa: PLC0415 - 20 ms that no call needs while the model sends the requested rate

            self._stream = soxr.ResampleStream(declared, self._rate, 1, dtype="int16")

    def convert(self, pcm: bytes) -> bytes:
        """Return a piece at the playback rate; the resampler may hold back a few milliseconds."""
        if self._stream is None:
            return pcm
        import numpy as np  # noqa: PLC0415 - the same

        return bytes(self._stream.resample_chunk(np.frombuffer(pcm, dtype="<i2")).tobytes())


class HeadStart:
    """Learns from gaps within a block of audio how much silence later replies of the process need.

    A model that delivers evenly gets no silence. All times are seconds of one monotonic clock.

    Args:
        quirks: Holds the learned value.
        rate: Hz of the 16-bit mono PCM.
    """

    def __init__(self, quirks: Quirks, rate: int) -> None:
        self._quirks = quirks
        self._rate = rate
        self._first = True
        self._given = 0.0
        self._plays_until = 0.0

    def begin(self) -> None:
        """Start a block of audio."""
        self._first = True

    def before(self, pcm: bytes, now: float, playing: float) -> bytes:
        """Return the silence to play before a piece of audio.

        Args:
            pcm: The piece.
            now: When it arrived.
            playing: Seconds for which earlier audio still plays.
        """
        silence = b""
        if self._first:
            self._first = False
            # Earlier audio that still plays covers the gap, so no silence is needed.
            self._given = 0.0 if playing > 0 else self._quirks.head_start
            silence = bytes(2 * round(self._given * self._rate))
            self._plays_until = now + playing + self._given
        elif now - self._plays_until > _GAP_MARGIN:
            # The gap became audible: the next reply starts later by the length of the gap.
            wanted = min(MAX_HEAD_START_SECONDS, self._given + now - self._plays_until + _GAP_MARGIN)
            self._quirks.head_start = max(self._quirks.head_start, wanted)
        self._plays_until = max(now, self._plays_until) + len(pcm) / 2 / self._rate
        return silence
