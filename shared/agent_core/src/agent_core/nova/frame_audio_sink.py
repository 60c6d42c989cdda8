"""The agent's sound as frames, where a Pipecat transport carries it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Final

from pipecat.frames.frames import AggregatedTextFrame, Frame, TTSAudioRawFrame, TTSStoppedFrame, TTSTextFrame

RECORDING: Final = "recording"
"""The type of a caption, by which a page tells it from a sentence of an answer."""


class FrameAudioSink:
    """Pushes sound down the pipeline, and knows how long it will last.

    Args:
        push: Pushes a frame.
        rate: Hz of 16-bit mono PCM.
    """

    def __init__(self, push: Callable[[Frame], Awaitable[None]], rate: int) -> None:
        self._push = push
        self._rate = rate
        self._played_at = 0.0
        self.phrase_only = False
        """Whether all that sounds is a recording, and no answer."""

    async def play(self, pcm: bytes) -> None:
        """Play a piece of an answer."""
        self.phrase_only = False
        self._reckon(pcm)
        await self._push(TTSAudioRawFrame(pcm, self._rate, 1))

    def say(self, pcm: bytes, words: str = "") -> Coroutine[None, None, None]:
        """Reckon with a recording from now on; what is given back plays it, with its words as a caption."""
        self._reckon(pcm)
        return self._say(pcm, words)

    async def _say(self, pcm: bytes, words: str) -> None:
        caption = _caption(words) if words else ()
        for planned in caption[:1]:
            await self._push(planned)
        await self._push(TTSAudioRawFrame(pcm, self._rate, 1))
        # Behind the sound, where it arrives when that has been played, and not at all when it is interrupted.
        for said in caption[1:]:
            await self._push(said)
        await self._push(TTSStoppedFrame())

    def _reckon(self, pcm: bytes) -> None:
        now = asyncio.get_running_loop().time()
        self._played_at = max(now, self._played_at) + len(pcm) / 2 / self._rate

    def sounds_for(self) -> float:
        """Give the seconds until all that was given has been played."""
        return max(0.0, self._played_at - asyncio.get_running_loop().time())

    def fell_silent(self) -> bool:
        """Note that nothing sounds any more; True if it was an answer that ended."""
        was_answer = not self.phrase_only
        self._played_at, self.phrase_only = 0.0, False
        return was_answer


def _caption(words: str) -> tuple[AggregatedTextFrame, TTSTextFrame]:
    """Make the frames that report words as planned and as said.

    Like those of a sentence, they become ``bot-output`` messages. The model knows nothing of a recording, so they stay
    out of its context, and out of ``bot-transcription``.
    """
    planned = AggregatedTextFrame(words, text_type=RECORDING)
    said = TTSTextFrame(words, text_type=RECORDING, segment_id=planned.id)
    said.includes_inter_frame_spaces = True
    for frame in (planned, said):
        frame.append_to_context = False
        frame.will_be_spoken = True
    return planned, said
