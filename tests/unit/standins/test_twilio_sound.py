"""µ-law, recordings, and the difference between speech and silence."""

import io
import wave

import numpy as np
import pytest

from standins.twilio import mulaw
from standins.twilio.announcement_audio import UnreadableSoundError, read_wav, write_wav
from standins.twilio.listening import Began, SilenceNoticed, Talkspurts

LOUD = mulaw.encode(np.full(160, 8000, dtype=np.int16).tobytes())


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_recordings_of_any_rate_become_8_khz(rate: int, channels: int) -> None:
    """A recording of any rate becomes 8 kHz with the same length, pitch and loudness."""
    tone = (10000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.int16)
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(tone, channels).tobytes())
    read = np.frombuffer(read_wav(target.getvalue()), dtype=np.int16).astype(float)
    assert abs(len(read) - 8000) <= 1
    assert int(np.abs(np.fft.rfft(read[:8000], 8000)).argmax()) == 440
    assert 9500 < np.abs(read[1000:7000]).max() < 10500


def test_what_is_no_wav_is_refused() -> None:
    """An invalid WAV file is rejected, and so is one with 8-bit samples."""
    with pytest.raises(UnreadableSoundError):
        read_wav(b"ID3 something else")


def test_a_written_wav_reads_back_the_same() -> None:
    """A written WAV file is read back without loss."""
    pcm = np.arange(-500, 500, dtype=np.int16).tobytes()
    assert read_wav(write_wav(pcm)) == pcm


def test_a_spurt_ends_after_a_pause_and_where_it_was_last_heard() -> None:
    """A spurt ends after a pause and at its last audible frame; gaps between words do not end it."""
    spurts = Talkspurts()
    pattern = [None, LOUD, LOUD, *[None] * 5, LOUD, *[None] * 30]
    heard = [event for number, frame in enumerate(pattern) if (event := spurts.hear(number, frame))]
    assert heard == [Began(1), SilenceNoticed(9, 8)]
