"""Calls a SIP address on this machine: INVITE, whisper, audio in both directions, and the result.

Only loopback addresses are called; any other callee is simulated, like a phone number. With `answerOnBridge` the caller
hears ringing during the whisper, otherwise silence. SIP codes map to `DialCallStatus` as field reports show: 486, 600
and 603 are busy, 408, 480 and 487 are no-answer, all others are failed.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Final

from standins.sip import address as sip_address
from standins.sip.address import BadAddressError, SipAddress
from standins.sip.leg import Leg, NotAnsweredError
from standins.twilio import announcement_audio
from standins.twilio.call_audio import CallAudio
from standins.twilio.caller_playout import Microphone
from standins.twilio.party import Party
from standins.twilio.timeline import Timeline
from standins.twilio.twiml_parser import Dial, DialTarget, is_loopback
from standins.twilio.twiml_program import new_sid
from standins.twilio.webhook_client import Webhooks
from standins.twilio.whisper import Whisper

_BUSY: Final = frozenset({486, 600, 603})
_NO_ANSWER: Final = frozenset({0, 408, 480, 487})
_RINGBACK_SECONDS: Final = 6.0


def reachable(text: str) -> SipAddress | None:
    """Parse a SIP address to call; None if it is not on this machine, or if Twilio would reject it."""
    if not text.lower().startswith(("sip:", "sips:")):
        return None
    try:
        address = sip_address.read(text)
    except BadAddressError:
        return None
    return address if is_loopback(address.host) else None


class Dialling:
    """One `<Dial>` to a SIP address."""

    def __init__(
        self,
        party: Party,
        line: CallAudio,
        timeline: Timeline,
        webhooks: Webhooks,
        speak: announcement_audio.Speak | None,
    ) -> None:
        self._party = party
        self._line = line
        self._timeline = timeline
        self._webhooks = webhooks
        self._speak = speak
        self._far = Microphone()
        self._leg: Leg | None = None

    async def call(self, address: SipAddress, step: Dial, target: DialTarget) -> dict[str, str]:
        """Ring, whisper and bridge; return the fields for the `action`. Cancelling it hangs up."""
        child = new_sid("CA")
        params = {"DialCallSid": child, "DialBridged": "false"}
        headers = (("X-Twilio-AccountSid", self._party.account_sid), ("X-Twilio-CallSid", self._party.call_sid))
        try:
            async with Leg(address, step.caller_id or self._party.caller, headers) as leg:
                # Set before ringing starts, because a provisional response may arrive at once.
                leg.on_ringing = self._ringing
                await self._until_answered(leg, step.timeout)
                params |= {"DialSipResponseCode": "200", "DialSipCallId": leg.call_id, "DialCallStatus": "completed"}
                # The callee's leg is a call of its own for the application.
                party = self._party.calling(child, target.address.partition("?")[0])
                whisper = Whisper(party, leg, self._timeline, self._webhooks, self._speak)
                with ringing_tone(self._line, audible=step.answer_on_bridge):
                    connected = await whisper.connects(target)
                if connected:
                    params |= await self._talk(leg)
        except NotAnsweredError as refused:
            # 0 means that we gave up; Twilio then reports 487, request terminated.
            return params | {"DialCallStatus": _status(refused.code), "DialSipResponseCode": str(refused.code or 487)}
        except (OSError, TimeoutError) as error:
            self._timeline.record("error", code="32011", reason=f"SIP: {type(error).__name__}")
            return params | {"DialCallStatus": "failed"}
        return params

    def _ringing(self, code: int) -> None:
        # A phone may send 180 several times.
        if self._timeline.last("dial_ringing") is None:
            self._timeline.record("dial_ringing", code=code)

    async def _until_answered(self, leg: Leg, seconds: float) -> None:
        with ringing_tone(self._line):
            await leg.ring(seconds)
        self._timeline.record("dial_answered")

    async def _talk(self, leg: Leg) -> dict[str, str]:
        began = time.monotonic()
        # Audio is bridged only from here on: during the whisper the caller hears nothing of the callee.
        leg.hear = self._far.push
        self._leg = leg
        self._line.bridge = self
        self._timeline.record("dial_bridged")
        try:
            # The callee's hang-up ends the dial; the caller's cancels this task.
            await leg.ended.wait()
        finally:
            self._line.bridge = None
        return {"DialCallDuration": str(round(time.monotonic() - began)), "DialBridged": "true"}

    def say(self, frame: bytes) -> None:
        """Receive 20 ms from the caller."""
        if self._leg is not None:
            self._leg.say(frame)

    def take(self) -> bytes | None:
        """Return 20 ms from the callee."""
        return self._far.take()


@contextlib.contextmanager
def ringing_tone(line: CallAudio, *, audible: bool = True) -> Iterator[None]:
    """Play a ringing tone to the caller for the duration of the block, or nothing."""
    if not audible:
        yield
        return

    async def ring() -> None:
        while True:
            await line.play(announcement_audio.ringback(_RINGBACK_SECONDS))

    ringing = asyncio.create_task(ring())
    try:
        yield
    finally:
        # Cancelling also clears what is left of the tone.
        ringing.cancel()


def _status(code: int) -> str:
    if code in _BUSY:
        return "busy"
    return "no-answer" if code in _NO_ANSWER else "failed"
