"""Detects when a caller starts and stops speaking. Audio in, events out; no I/O."""

from collections import deque
from dataclasses import dataclass

import numpy as np
import pocketsphinx

_FRAME_SECONDS = 0.02
_FRAMES_TO_START = 6
"""Speech frames among the last eight that start a turn: 120 ms, early enough for barge-in and longer than a click."""
_START_WINDOW = 8
_LEAD_SECONDS = 0.3
"""Audio before the start that belongs to the utterance: the detector misses soft first consonants."""
_LIKELY_END_SECONDS = 0.24
"""Pause after which the words so far are transcribed in advance, because the caller may have finished."""
_KEPT_SILENCE_SECONDS = 0.24
_QUIETEST_SPEECH = 150.0
"""RMS amplitude of the softest frame that counts as speech; line noise of a µ-law call stays below 20."""
_LONGEST_SECONDS = 15.0


@dataclass(frozen=True)
class CallerStarted:
    """The caller started to speak 120 to 160 ms ago."""


@dataclass(frozen=True)
class Paused:
    """The caller may have finished; `pcm` is the utterance so far. Speech may continue."""

    pcm: bytes


@dataclass(frozen=True)
class CallerFinished:
    """The caller has finished. `pcm` is the whole utterance: that of the last `Paused` if nothing was added."""

    pcm: bytes


type TurnEvent = CallerStarted | Paused | CallerFinished


class TurnDetector:
    """Voice activity detection (WebRTC's, included in pocketsphinx) with a start window and an end pause.

    Args:
        sample_rate: 8000 or 16000, of 16-bit mono PCM.
        pause: Seconds of silence that end a turn.
    """

    def __init__(self, sample_rate: int, pause: float) -> None:
        self._vad = pocketsphinx.Vad(pocketsphinx.Vad.MEDIUM_STRICT, sample_rate, _FRAME_SECONDS)
        self._frame_bytes: int = self._vad.frame_bytes
        self._end_frames = max(round(pause / _FRAME_SECONDS), 1)
        self._likely_end_frames = min(round(_LIKELY_END_SECONDS / _FRAME_SECONDS), self._end_frames)
        self._kept_frames = round(_KEPT_SILENCE_SECONDS / _FRAME_SECONDS)
        self._longest_frames = round(_LONGEST_SECONDS / _FRAME_SECONDS)
        self._rest = b""
        self._lead: deque[bytes] = deque(maxlen=round(_LEAD_SECONDS / _FRAME_SECONDS))
        self._recent: deque[bool] = deque(maxlen=_START_WINDOW)
        self._spoken: list[bytes] = []
        self._silent_frames = 0

    @property
    def speaking(self) -> bool:
        """Whether a turn has started and not ended."""
        return bool(self._spoken)

    def feed(self, pcm: bytes) -> list[TurnEvent]:
        """Process audio of any length."""
        sound = self._rest + pcm
        whole = len(sound) - len(sound) % self._frame_bytes
        self._rest = sound[whole:]
        events: list[TurnEvent] = []
        for start in range(0, whole, self._frame_bytes):
            frame = sound[start : start + self._frame_bytes]
            events += self._in_turn(frame) if self._spoken else self._between_turns(frame)
        return events

    def _between_turns(self, frame: bytes) -> list[TurnEvent]:
        self._lead.append(frame)
        self._recent.append(self._is_speech(frame))
        # Several speech frames in a short window: a single one may be a click.
        if sum(self._recent) < _FRAMES_TO_START:
            return []
        self._spoken, self._silent_frames = list(self._lead), 0
        return [CallerStarted()]

    def _in_turn(self, frame: bytes) -> list[TurnEvent]:
        self._spoken.append(frame)
        self._silent_frames = 0 if self._is_speech(frame) else self._silent_frames + 1
        # Very long speech is cut, so that a noisy line gets a reply at all.
        if self._silent_frames >= self._end_frames or len(self._spoken) >= self._longest_frames:
            said = self._said()
            self._spoken = []
            # Old frames must not start the next turn.
            self._lead.clear()
            self._recent.clear()
            return [CallerFinished(said)]
        return [Paused(self._said())] if self._silent_frames == self._likely_end_frames else []

    def _said(self) -> bytes:
        # Silence at the end adds nothing but time to the transcription.
        surplus = max(self._silent_frames - self._kept_frames, 0)
        return b"".join(self._spoken[: len(self._spoken) - surplus])

    def _is_speech(self, frame: bytes) -> bool:
        if not self._vad.is_speech(frame):  # the cheaper test first, because most of a call is silence
            return False
        samples = np.frombuffer(frame, "<i2").astype(np.float32)
        # The detector also reports loud noise floors; real speech exceeds this level.
        return float(np.dot(samples, samples)) > _QUIETEST_SPEECH**2 * len(samples)
