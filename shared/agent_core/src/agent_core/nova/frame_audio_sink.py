"""Send the agent's audio as frames, for Pipecat transports."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Final

from pipecat.frames.frames import AggregatedTextFrame, Frame, TTSAudioRawFrame, TTSStoppedFrame, TTSTextFrame

RECORDING: Final = "recording"
"""Text type of a caption; pages use it to tell a caption from a sentence of a reply."""


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
