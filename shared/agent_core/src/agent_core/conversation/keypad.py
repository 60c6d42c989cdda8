"""Collect the keys that a caller presses into inputs: a postcode is one input to the model, not five.

Consecutive keys form one input, which a pause or ``#`` completes. Key 0 requests a person only if it is pressed alone:
phone and account numbers begin with 0 too, so it also waits for the pause before it calls anyone.
"""

from dataclasses import dataclass
from typing import Final

from agent_core.nova.session_callbacks import AudioSink

PAUSE_SECONDS: Final = 2.0
"""Pause that completes an input. Most people need less than a second between two keys; reading a number off a letter
takes longer.
"""
MAX_KEYS: Final = 64
"""Longest input. Further keys start another one: a stuck key must not be collected without bound."""
_END: Final = "#"
_PERSON: Final = "0"


@dataclass(frozen=True, slots=True)
class Typed:
    """One input.

    Attributes:
        keys: What was typed, without the ``#`` that ended it; ``#`` alone is an input of its own.
        alone: No other key was pressed within the pause before it.
    """

    keys: str
    alone: bool = True

    @property
    def wants_person(self) -> bool:
        """Whether this is key 0 and no other key; pressing it repeatedly out of impatience means the same."""
        return self.alone and set(self.keys) == {_PERSON}


class Collector:
    """Collects keys. No I/O and no clock: times are seconds of one clock that the user of this class reads."""

    def __init__(self) -> None:
        self._keys = ""
        self._alone = True
        self._last: float | None = None

    @property
    def due(self) -> float | None:
        """When the current input is complete, unless another key follows; None if there is none."""
        return None if not self._keys or self._last is None else self._last + PAUSE_SECONDS

    def press(self, key: str, now: float) -> list[Typed]:
        """Add a key; return the inputs that it completes."""
        complete = self.expire(now)
        if not self._keys:
            # Judged at the first key: a 0 that soon follows another input is part of a longer number.
            self._alone = self._last is None or now - self._last >= PAUSE_SECONDS
        self._last = now
        if key != _END or not self._keys:
            self._keys += key
        if key == _END or len(self._keys) >= MAX_KEYS:
            complete += self.finish()
        return complete

    def expire(self, now: float) -> list[Typed]:
        """Return the input whose pause is over, if there is one."""
        return self.finish() if self.due is not None and now >= self.due else []

    def finish(self) -> list[Typed]:
        """Return what has been typed so far, complete or not."""
        keys, self._keys = self._keys, ""
        return [Typed(keys, self._alone)] if keys else []


class CutVoice:
    """Mutes the rest of a reply after a key press.

    The model does not know yet that the caller pressed a key and continues its reply, which must not be heard.

    Args:
        voice: Plays the audio.
    """

    def __init__(self, voice: AudioSink) -> None:
        self._voice = voice
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
        """Stop: the model has noticed that the caller speaks."""
        self._answering = self._cut = False
        self._voice.interrupt()

    def finish_answer(self) -> None:
        """End the reply; the next one is audible."""
        self._answering = self._cut = False
        self._voice.finish_answer()
