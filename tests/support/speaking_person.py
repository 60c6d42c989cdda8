"""A caller who speaks into a call of the stand-in exchange and listens."""

import asyncio

from standins.twilio import mulaw
from standins.twilio.handset import CallRecording
from standins.twilio.live import DialledCall

FRAME = 160
_SETTLED = 1.5
"""Seconds of silence after which a reply is over."""


class SpeakingPerson:
    """Speaks at the pace of speech, and waits for replies.

    Args:
        call: The call.
        recording: What the caller hears.
    """

    def __init__(self, call: DialledCall, recording: CallRecording) -> None:
        self.call = call
        self.recording = recording

    async def say(self, audio: bytes) -> None:
        """Speak; the audio is µ-law at 8 kHz."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for start in range(0, len(audio), FRAME):
            self.call.hear_frame(audio[start : start + FRAME])
            await asyncio.sleep(began + (start + FRAME) / mulaw.RATE - loop.time())

    async def hears_out(self, since: float, seconds: float = 30.0) -> None:
        """Listen until a reply after a given time of the call has ended."""
        timeline = self.call.timeline
        async with asyncio.timeout(seconds):
            while True:
                sounds = [event for event in timeline.events if event.name in {"sound_begins", "sound_ends"}]
                last = sounds[-1] if sounds else None
                if last is not None and last.name == "sound_ends" and last.at > since:
                    quiet_for = timeline.now() - last.at
                    if quiet_for >= _SETTLED:
                        return
                await timeline.until_change(0.2)
