"""Pipecat's peer-to-peer connection, for sound and messages only."""

from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection


class SoundConnection(SmallWebRTCConnection):
    """Takes no pictures: aiortc would decode whatever camera or screen a client chose to send, and keep it."""

    def force_transceivers_to_send_recv(self) -> None:
        """Send and receive on the first medium, which is sound by Pipecat's convention; decline all others."""
        for number, transceiver in enumerate(self.pc.getTransceivers()):
            is_sound = number == 0 and transceiver.kind == "audio"
            transceiver.direction = "sendrecv" if is_sound else "inactive"

    def video_input_track(self) -> None:
        """There is none."""

    def screen_video_input_track(self) -> None:
        """There is none."""
