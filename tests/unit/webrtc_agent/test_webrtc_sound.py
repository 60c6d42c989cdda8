"""A visitor's audio is decoded where it arrives and encoded where it leaves. aiortc's codecs are the other end."""

import asyncio
from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from aiortc.codecs.opus import OpusDecoder, OpusEncoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtcrtpreceiver import RTCRtpReceiver
from aiortc.rtp import RtpPacket
from av import AudioFrame

from webrtc_agent.inbound import InboundAudio
from webrtc_agent.opus import Encoder, OpusError, OpusToPcm
from webrtc_agent.outbound import LossWatch, OutboundTrack
from webrtc_agent.rtp_shortcut import AudioPacket

OPUS = RTCRtpCodecParameters(mimeType="audio/opus", clockRate=48_000, channels=2, payloadType=96)
PCMU = RTCRtpCodecParameters(mimeType="audio/PCMU", clockRate=8000, channels=1, payloadType=0)


def tone(rate: int, milliseconds: int, hertz: float = 440) -> bytes:
    """Return a tone as 16-bit mono PCM."""
    time = np.arange(rate * milliseconds // 1000) / rate
    return (9000 * np.sin(2 * np.pi * hertz * time)).astype("<i2").tobytes()


def loudness(pcm: bytes) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(np.frombuffer(pcm, "<i2").astype(float) ** 2)))


def pitch(pcm: bytes, rate: int) -> float:
    """Return the strongest frequency, in Hz."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


def packets_of_a_browser(milliseconds: int) -> list[tuple[int, bytes]]:
    """Encode a tone as aiortc does: 48 kHz, two channels, with timestamps."""
    encoder, packets = OpusEncoder(), []
    pcm = np.repeat(np.frombuffer(tone(48_000, milliseconds), "<i2"), 2)[None, :]
    for number in range(milliseconds // 20):
        frame = AudioFrame.from_ndarray(pcm[:, number * 1920 : (number + 1) * 1920].copy(), layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, number * 960, Fraction(1, 48_000)
        payloads, timestamp = encoder.encode(frame)
        packets += [(timestamp, payload) for payload in payloads]
    return packets


class Ears:
    """Keeps what is heard, and stands for aiortc's receiver."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.heard: list[bytes] = []
        self.deaf = deaf
        transport: Any = SimpleNamespace(state="connected")
        self.receiver = cast("Any", RTCRtpReceiver("audio", transport))
        self.receiver._RTCRtpReceiver__codecs = {codec.payloadType: codec for codec in (OPUS, PCMU)}
        self._number = 0
        self.inbound = InboundAudio(self.receiver, 16_000, self.hear)

    def hear(self, pcm: bytes) -> None:
        """Accept audio."""
        self.heard.append(pcm)
        if self.deaf:
            raise RuntimeError

    def receive(self, timestamp: int, payload: bytes) -> None:
        """Accept the next packet of Opus."""
        self._number += 1
        self.inbound.take(AudioPacket(96, self._number, timestamp % 2**32, 1, payload))

    def receive_other(self, timestamp: int, payload: bytes) -> None:
        """Accept a packet of another codec as aiortc's receiver passes it to its queue."""
        queue = self.receiver._RTCRtpReceiver__decoder_queue
        queue.put((PCMU, SimpleNamespace(data=payload, timestamp=timestamp)))


def test_a_browsers_sound_is_heard_at_the_models_rate() -> None:
    """Audio of a browser reaches the model at 16 kHz: one channel, with the same length and pitch."""
    ears = Ears()
    packets = packets_of_a_browser(1000)
    for timestamp, payload in packets:
        ears.receive(timestamp, payload)
    pcm = b"".join(ears.heard)
    assert {len(part) for part in ears.heard} == {640}
    assert len(ears.heard) == len(packets)
    assert pitch(pcm, 16_000) == pytest.approx(440, abs=2)
    assert loudness(pcm[6400:]) == pytest.approx(9000 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize(("lost", "made_up"), [(1, 1), (3, 1), (6, 1), (7, 0), (20, 0)])
def test_lost_packets_are_made_up_for(lost: int, made_up: int) -> None:
    """Words keep their length; a gap of more than 120 ms is silence that the browser did not send."""
    ears = Ears()
    packets = packets_of_a_browser(1000)
    del packets[20 : 20 + lost]
    for timestamp, payload in packets:
        ears.receive(timestamp, payload)
    assert len(ears.heard) == len(packets) + made_up
    length = sum(len(part) for part in ears.heard) // 32
    assert length == 20 * (len(packets) + made_up * lost)


async def test_a_packet_of_aiortcs_router_is_heard_at_once() -> None:
    """A packet that takes aiortc's way is decoded where it arrives, without waiting for the next one."""
    ears = Ears()
    for number, (timestamp, payload) in enumerate(packets_of_a_browser(100)):
        packet = RtpPacket(payload_type=96, sequence_number=number, timestamp=timestamp, ssrc=1, payload=payload)
        await ears.receiver._handle_rtp_packet(packet, arrival_time_ms=0)
        assert len(ears.heard) == number + 1


def test_a_lost_packet_delays_no_later_speech() -> None:
    """After a loss each packet is heard when it arrives; aiortc's buffer would be fourteen packets late for good."""
    ears = Ears()
    packets = packets_of_a_browser(1000)
    for number, (timestamp, payload) in enumerate(packets):
        if number != 20:
            ears.inbound.take(AudioPacket(96, number, timestamp, 1, payload))
        length = sum(len(part) for part in ears.heard) // 640
        assert length == number + 1 or 20 <= number < 23


def test_another_microphone_is_heard_from_its_first_packet() -> None:
    """A new source has numbers and timestamps of its own; nothing of it is late or made up."""
    ears = Ears()
    (timestamp, payload), *_ = packets_of_a_browser(100)
    for source, number, at in ((1, 500, timestamp), (2, 450, timestamp + 4800)):
        ears.inbound.take(AudioPacket(96, number, at, source, payload))
    assert [len(part) for part in ears.heard] == [640, 640]


def test_timestamps_may_begin_anew() -> None:
    """The clock of RTP wraps after a day; the loss of the packet in between is concealed all the same."""
    ears = Ears()
    packets = packets_of_a_browser(100)
    ears.inbound.take(AudioPacket(96, 1, 2**32 - 960, 1, packets[0][1]))
    for number, (_, payload) in enumerate(packets[1:4]):
        ears.inbound.take(AudioPacket(96, number + 3, 960 * (number + 1), 1, payload))
    assert [len(part) for part in ears.heard] == [640] * 5


def test_the_browser_learns_what_has_arrived() -> None:
    """Packets of this path count in the reports that aiortc sends to the browser."""
    ears = Ears()
    for timestamp, payload in packets_of_a_browser(100):
        ears.receive(timestamp, payload)
    stream = ears.receiver._RTCRtpReceiver__remote_streams[1]
    assert (stream.packets_received, stream.packets_lost) == (len(ears.heard), 0)


def test_what_is_no_opus_is_left_out() -> None:
    """A packet that is not Opus is dropped, and the next one is decoded."""
    ears = Ears()
    (at, payload), *_ = packets_of_a_browser(100)
    ears.receive(at, payload)
    ears.receive(at + 960, b"")
    ears.receive(at + 960, bytes([0b11, 63, 255]))
    ears.receive(at + 960, payload)
    assert len(ears.heard) >= 2


def test_a_client_without_opus_is_heard() -> None:
    """A client without Opus is heard over G.711."""
    ears = Ears()
    for number in range(50):
        ears.receive_other(number * 160, bytes([0x80, 0x00] * 80))
    assert 31_000 <= sum(len(part) for part in ears.heard) <= 32_000


def test_a_defect_behind_it_does_not_end_the_connection() -> None:
    """The error is logged once, and the next packet is accepted; raised to aiortc it would end the connection."""
    ears = Ears(deaf=True)
    for timestamp, payload in packets_of_a_browser(200):
        ears.receive(timestamp, payload)
    assert len(ears.heard) == 10


async def test_the_receivers_thread_waits_until_the_end() -> None:
    """The receiver's thread waits until the end, and is released then."""
    ears = Ears()
    waiting = asyncio.create_task(asyncio.to_thread(ears.inbound.get))
    await asyncio.sleep(0)
    assert not waiting.done()
    ears.inbound.put(None)
    await asyncio.wait_for(waiting, 5)


class Metronome:
    """Runs a track in virtual time, and decodes its packets."""

    def __init__(self) -> None:
        self.now = 100.0
        self.track = OutboundTrack(24_000, lambda: self.now)
        self.decoder = OpusDecoder()
        self.times: list[int] = []
        self.packets: list[bytes] = []

    async def give(self, frames: int) -> bytes:
        """Receive so many packets, one every 20 ms; return what a browser plays, one channel at 48 kHz."""
        pcm = b""
        for _ in range(frames):
            packet = await self.track.recv()
            self.now += 0.02
            assert packet.pts is not None
            self.times.append(packet.pts)
            self.packets.append(bytes(packet))
            for frame in cast("list[AudioFrame]", self.decoder.decode(JitterFrame(bytes(packet), packet.pts))):
                pcm += np.frombuffer(bytes(frame.planes[0])[: frame.samples * 4], "<i2")[::2].tobytes()
        return pcm


async def test_the_agents_sound_is_what_a_browser_plays() -> None:
    """The browser plays the agent's pitch and loudness, in packets of 20 ms."""
    beat = Metronome()
    done = beat.track.add_audio_bytes(tone(24_000, 1000))
    pcm = await beat.give(50)
    assert pitch(pcm, 48_000) == pytest.approx(440, abs=2)
    assert loudness(pcm[9600:]) == pytest.approx(9000 / np.sqrt(2), rel=0.1)
    assert {after - before for before, after in pairwise(beat.times)} == {960}
    assert done.done()


async def test_it_says_when_sound_is_on_its_way() -> None:
    """The track reports it only after the last packet, which may be partly full."""
    beat = Metronome()
    first, second = (beat.track.add_audio_bytes(tone(24_000, length)) for length in (40, 50))
    done = []
    for _ in range(6):
        await beat.give(1)
        done.append((first.done(), second.done()))
    assert done == [(False, False), (True, False), (True, False), (True, False), (True, True), (True, True)]


async def test_nothing_old_is_heard_after_a_barge_in() -> None:
    """What has not been sent is dropped, and its senders stop waiting; the next words follow at once."""
    beat = Metronome()
    waiting = beat.track.add_audio_bytes(tone(24_000, 400))
    await beat.give(5)
    beat.track.clear()
    assert waiting.done()
    assert loudness((await beat.give(20))[-9600:]) < 5
    beat.track.add_audio_bytes(tone(24_000, 400))
    assert loudness((await beat.give(20))[9600:]) == pytest.approx(9000 / np.sqrt(2), rel=0.1)


def test_redundancy_ends_when_nothing_is_lost() -> None:
    """Until reports show a network without losses, and again after each loss, packets are redundant."""
    watch = LossWatch()
    states = [(watch.report(lost), watch.redundant) for lost in (0, 5, 0, 0, 0, 0, 1, 0)]
    assert states == [
        (False, True),
        (False, True),
        (False, True),
        (False, True),
        (True, False),
        (False, False),
        (True, True),
        (False, True),
    ]


async def test_a_report_of_the_browser_changes_how_speech_is_encoded() -> None:
    """Without losses speech is encoded in Opus' other mode (RFC 6716, table 2), and is what it was."""
    beat = Metronome()
    beat.track.add_audio_bytes(tone(24_000, 1000))
    pcm = await beat.give(25)
    assert all(packet[0] >> 3 < 16 for packet in beat.packets[1:])
    for _ in range(3):
        beat.track.report(0)
    pcm += await beat.give(25)
    assert all(packet[0] >> 3 >= 16 for packet in beat.packets[27:])
    assert pitch(pcm, 48_000) == pytest.approx(440, abs=2)
    # No frame at the change is louder or softer than the others.
    levels = [loudness(pcm[at : at + 1920]) for at in range(19_200, len(pcm) - 1920, 1920)]
    assert min(levels) == pytest.approx(max(levels), rel=0.15)


async def test_silence_costs_nothing_and_does_not_spoil_what_follows() -> None:
    """After a while one packet of silence is reused; the next word is as if it followed newly encoded silence."""
    beat = Metronome()
    beat.track.add_audio_bytes(tone(24_000, 200))
    await beat.give(10)
    silence = await beat.give(100)
    assert len(set(beat.packets[-80:])) == 1
    assert loudness(silence[20_000:]) < 5
    beat.track.add_audio_bytes(tone(24_000, 400))
    pcm = await beat.give(20)
    assert pitch(pcm, 48_000) == pytest.approx(440, abs=4)
    assert loudness(pcm[4800:]) == pytest.approx(9000 / np.sqrt(2), rel=0.1)


async def test_a_late_loop_leaves_time_out_and_no_sound() -> None:
    """Late audio is sent at the pace of speech, not in a burst, with the timestamps of its time."""
    beat = Metronome()
    beat.track.add_audio_bytes(tone(24_000, 200))
    await beat.give(5)
    beat.now += 0.4
    await beat.give(5)
    steps = [after - before for before, after in pairwise(beat.times)]
    assert steps == [960] * 4 + [960 * 21] + [960] * 4
    assert loudness(await beat.give(3)) > 0
    assert beat.track.add_audio_bytes(b"").done() is False


async def test_a_little_late_is_made_up_for() -> None:
    """Timers are never exact, so a small delay leaves no audio out."""
    beat = Metronome()
    await beat.give(5)
    beat.now += 0.05
    await beat.give(5)
    assert {after - before for before, after in pairwise(beat.times)} == {960}


async def test_who_waits_for_a_track_that_stops_is_let_go() -> None:
    """A wait for a track that stops ends, because its audio will never be sent."""
    beat = Metronome()
    waiting = beat.track.add_audio_bytes(tone(24_000, 200))
    beat.track.stop()
    assert waiting.done()
    assert beat.track.add_audio_bytes(tone(24_000, 200)).done()
    with pytest.raises(MediaStreamError):
        await beat.track.recv()


def test_opus_says_what_it_does_not_take() -> None:
    """The encoder rejects an unsupported frame length, and the codec an unsupported rate."""
    with pytest.raises(OpusError):
        Encoder(24_000).encode(bytes(100))
    with pytest.raises(OpusError):
        OpusToPcm(44_100)
