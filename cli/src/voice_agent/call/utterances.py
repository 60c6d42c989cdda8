"""A caller's turns made ready before the call: the audio to send, or the keys to press."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from standins.twilio import mulaw
from standins.twilio.announcement_audio import Speak, UnreadableSoundError, read_wav
from voice_agent.call.turns import Pressed, Recorded, Spoken, Turn, choose


@dataclass(frozen=True)
class Utterance:
    """A turn made ready: sound to send, or keys to press."""

    label: str
    mulaw: bytes = field(default=b"", repr=False)
    digits: str = ""
    is_recording: bool = False
    """Whether the label is a file's name and no words."""

    @property
    def text(self) -> str:
        """Say what the caller does; only what is spoken stands in quotation marks."""
        if self.digits:
            return f"press {self.digits}"
        return f"play {self.label}" if self.is_recording else f"“{self.label}”"

    @property
    def audible_seconds(self) -> float:
        """When the last sound of it has been said; a recording may go on with silence."""
        frames = range(0, len(self.mulaw), mulaw.FRAME)
        last = next(
            (start for start in reversed(frames) if mulaw.is_audible(self.mulaw[start : start + mulaw.FRAME])), 0
        )
        return (last + mulaw.FRAME) / mulaw.RATE


class SilentError(Exception):
    """There are words to say and no voice to say them."""


class UnusableRecordingError(Exception):
    """A recording cannot be read, or has nothing in it to hear; the text names the file."""


def _recorded(path: Path) -> bytes:
    try:
        sound = mulaw.encode(read_wav(path.read_bytes()))
    except OSError as error:
        reason = f"{path} cannot be read: {error.strerror}"
        raise UnusableRecordingError(reason) from error
    except UnreadableSoundError as error:
        reason = f"{path} cannot be read: {error}"
        raise UnusableRecordingError(reason) from error
    if not any(mulaw.is_audible(sound[at : at + mulaw.FRAME]) for at in range(0, len(sound), mulaw.FRAME)):
        reason = f"{path} is {'silent' if sound else 'empty'}: the agent would wait for words that never come"
        raise UnusableRecordingError(reason)
    return sound


async def prepare(turns: Sequence[Turn], caller: int, speak: Speak | None) -> list[Utterance]:
    """Make the sound of all turns before the call begins, so that nothing is computed while it is timed.

    Raises:
        SilentError: words without a voice.
        UnusableRecordingError: a recording cannot be read, or has nothing in it to hear.
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
