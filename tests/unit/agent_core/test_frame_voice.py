"""Audio as frames: how long it lasts, and whether what ended was an answer."""

import asyncio

from pipecat.frames.frames import Frame, TTSAudioRawFrame, TTSStoppedFrame

from agent_core.nova.audio_output import FrameAudioSink

SECOND = bytes(48_000)


def _voice() -> tuple[FrameAudioSink, list[Frame]]:
    pushed: list[Frame] = []

    async def push(frame: Frame) -> None:
        pushed.append(frame)

    return FrameAudioSink(push, 24_000), pushed


async def test_the_end_of_a_recording_is_not_the_end_of_an_answer() -> None:
    """A conversation that waits for its goodbye must not mistake "One moment, please." for it."""
    voice, pushed = _voice()
    voice.phrase_only = True
    await voice.say(SECOND)
    assert [type(frame) for frame in pushed] == [TTSAudioRawFrame, TTSStoppedFrame]
    assert not voice.fell_silent()
    await voice.play(SECOND)
    assert voice.fell_silent()


async def test_an_answer_that_follows_a_recording_without_a_pause_counts() -> None:
    """Silence after an answer that follows a recording is the end of the answer."""
    voice, _ = _voice()
    voice.phrase_only = True
    await voice.say(SECOND)
    await voice.play(SECOND)
    assert voice.fell_silent()


async def test_it_knows_how_long_it_will_sound() -> None:
    """The remaining time adds up when audio arrives faster than real time."""
    voice, _ = _voice()
    assert voice.sounds_for() == 0
    await voice.play(SECOND)
    await voice.say(SECOND)
    await asyncio.sleep(0.5)
    assert 1.4 < voice.sounds_for() <= 1.5
    await asyncio.sleep(2)
    assert voice.sounds_for() == 0
