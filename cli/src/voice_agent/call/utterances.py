"""Prepare a caller's turns before the call: the audio to send, or the keys to press."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from standins.twilio import mulaw
from standins.twilio.announcement_audio import Speak, UnreadableSoundError, read_wav
from voice_agent.call.turns import Pressed, Recorded, Spoken, Turn, choose


@dataclass(frozen=True)
class Utterance:
    """A prepared turn: audio to send, or keys to press."""

    label: str
    mulaw: bytes = field(default=b"", repr=False)
    digits: str = ""
    is_recording: bool = False
    """Whether the label is a file name and not spoken text."""

    @property
    def text(self) -> str:
        """Describe what the caller does, with quotation marks around speech."""
        if self.digits:
            return f"press {self.digits}"
        return f"play {self.label}" if self.is_recording else f"“{self.label}”"

    @property
    def audible_seconds(self) -> float:
        """Seconds until the last audible frame ends; a recording may continue with silence."""
        # A wait for the reply counts from the last audible frame: most recordings end with silence.
        frames = range(0, len(self.mulaw), mulaw.FRAME)
        last = next(
            (start for start in reversed(frames) if mulaw.is_audible(self.mulaw[start : start + mulaw.FRAME])), 0
        )
        return (last + mulaw.FRAME) / mulaw.RATE


class SilentError(Exception):
    """A turn needs a voice and none is installed."""


class UnusableRecordingError(Exception):
    """A recording cannot be read or is silent; the message names the file."""


def _recorded(path: Path) -> bytes:
    try:
        sound = mulaw.encode(read_wav(path.read_bytes()))
    except OSError as error:
        reason = f"{path} cannot be read: {error.strerror}"
        raise UnusableRecordingError(reason) from error
    except UnreadableSoundError as error:
        reason = f"{path} cannot be read: {error}"
        raise UnusableRecordingError(reason) from error
    # The agent would never reply to silence, and the call would fail after its longest wait.
    if not any(mulaw.is_audible(sound[at : at + mulaw.FRAME]) for at in range(0, len(sound), mulaw.FRAME)):
        reason = f"{path} is {'silent' if sound else 'empty'}: the agent would wait for words that never come"
        raise UnusableRecordingError(reason)
    return sound


async def prepare(turns: Sequence[Turn], caller: int, speak: Speak | None) -> list[Utterance]:
    """Prepare the audio of all turns before the call, so that synthesis does not disturb its times.

    Raises:
        SilentError: a turn needs a voice and none is installed.
        UnusableRecordingError: a recording cannot be read or is silent.
    """
    return [await _prepare(turn, caller, speak) for turn in turns]


async def _prepare(turn: Turn, caller: int, speak: Speak | None) -> Utterance:
    match turn:
        case Spoken(text):
            words = choose(text, caller)
            if speak is None:
                reason = "no voice is installed; use a recording instead (--wav FILE)"
                raise SilentError(reason)
            return Utterance(words, mulaw.encode(await speak(words, mulaw.RATE)))
        case Recorded(path):
            return Utterance(path.name, _recorded(path), is_recording=True)
        case Pressed(digits):
            return Utterance(digits, digits=digits)
