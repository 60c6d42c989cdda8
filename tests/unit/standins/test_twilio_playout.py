"""The queue of audio for a caller, and a caller's own audio, 20 ms at a time."""

from standins.twilio.caller_playout import Microphone, PlayoutBuffer
from standins.twilio.mulaw import FRAME

A, B = b"\x10" * FRAME, b"\x20" * FRAME


def test_sound_is_played_in_order_and_its_end_padded() -> None:
    """Audio of any length is played in order as frames, and silence fills the last one."""
    buffer = PlayoutBuffer()
    buffer.append(A[:100])
    buffer.append(A[100:] + B[:40])
    assert buffer.take().frame == A
    assert buffer.take().frame == B[:40] + b"\xff" * 120
    assert buffer.take().frame is None


def test_a_mark_comes_due_when_the_sound_before_it_was_heard() -> None:
    """A mark is due when the audio before it has been played completely."""
    buffer = PlayoutBuffer()
    buffer.append(A)
    buffer.mark("between")
    buffer.append(B)
    buffer.mark("end")
    assert [buffer.take().marks for _ in range(3)] == [(), ("between",), ("end",)]


def test_a_mark_without_sound_is_due_at_once() -> None:
    """A mark without audio is due at once."""
    buffer = PlayoutBuffer()
    buffer.mark("now")
    assert buffer.take().marks == ("now",)


def test_clear_drops_the_sound_and_returns_every_mark() -> None:
    """`clear` drops the audio and returns every mark, also of audio that was not heard."""
    buffer = PlayoutBuffer()
    buffer.append(A + B)
    buffer.mark("one")
    buffer.mark("two")
    buffer.take()
    assert buffer.clear() == (FRAME, ("one", "two"))
    assert buffer.take() == PlayoutBuffer().take()
    buffer.append(B)
    buffer.mark("later")
    assert buffer.take().frame == B
    assert buffer.take().marks == ("later",)


def test_a_caller_is_heard_without_gaps() -> None:
    """A caller's frames leave in a steady rhythm without loss, however unevenly they arrive."""
    microphone = Microphone()
    heard: list[bytes | None] = []
    for arriving in (1, 0, 3, 0, 0, 2, 0, 0, 0, 0, 0):
        for _ in range(arriving):
            microphone.push(bytes([len(heard)]))
        heard.append(microphone.take())
    spoken = [index for index, frame in enumerate(heard) if frame is not None]
    assert len(spoken) == 6
    assert spoken == list(range(spoken[0], spoken[0] + 6))


def test_a_single_frame_is_not_kept_back() -> None:
    """A single frame that is shorter than the lead is still sent."""
    microphone = Microphone()
    microphone.push(A)
    assert A in [microphone.take() for _ in range(6)]
