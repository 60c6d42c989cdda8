"""A live call: the program decides the next step, the attendant executes it, and external orders interrupt it."""

import asyncio
import time
from dataclasses import dataclass

from standins.twilio import announcement_audio, caller_id
from standins.twilio.call_audio import CallAudio, Hear
from standins.twilio.callbacks import Callbacks
from standins.twilio.called_person import ANSWERED, CalledPerson
from standins.twilio.mulaw import FRAME, SILENCE
from standins.twilio.party import Party
from standins.twilio.settings import DialScript, ExchangeSettings
from standins.twilio.stream_client import MediaStream
from standins.twilio.timeline import Timeline
from standins.twilio.twiml_executor import TwimlExecutor
from standins.twilio.twiml_parser import Connect, Dial, Pause
from standins.twilio.twiml_program import Done, End, Fetch, Step, TwimlProgram
from standins.twilio.webhook_client import Webhooks


@dataclass(frozen=True)
class Replace:
    """Execute this document instead (REST `Twiml`)."""

    twiml: str


@dataclass(frozen=True)
class GoTo:
    """Request this URL instead (REST `Url`)."""

    url: str
    method: str


@dataclass(frozen=True)
class Finish:
    """End the call."""

    reason: str


type Order = Replace | GoTo | Finish


@dataclass(frozen=True)
class Outgoing:
    """A call that the REST API places, instead of one that a phone dials."""

    person: CalledPerson
    ring_seconds: float
    """How long their phone rings before the call ends as `no-answer`."""
    time_limit: float
    """Longest call in seconds, from its answer."""


class DialledCall:
    """One call, from dialling to its end."""

    outgoing: Outgoing | None = None
    """What the REST API wanted, if it has placed this call."""

    def __init__(  # noqa: PLR0913 - independent collaborators, passed in one place
        self,
        party: Party,
        program: TwimlProgram,
        settings: ExchangeSettings,
        webhooks: Webhooks,
        *,
        speak: announcement_audio.Speak | None,
        hear: Hear,
        dial: DialScript,
    ) -> None:
        self.party = party
        self.sid = party.call_sid
        self.status = "ringing"
        self.timeline = Timeline()
        self.line = CallAudio(self.timeline, hear)
        self.started_at = time.time()
        self.ended_at: float | None = None
        self._program = program
        self._settings = settings
        self._callbacks = Callbacks(webhooks, self.timeline)
        self._attendant = TwimlExecutor(
            party,
            self.line,
            self.timeline,
            webhooks,
            self._callbacks,
            signer=settings.signer,
            speak=speak,
            dial=dial,
        )
        self._orders: asyncio.Queue[Order] = asyncio.Queue()
        self._clock: asyncio.Task[None] | None = None

    @property
    def stream(self) -> MediaStream | None:
        """The open media stream, if any."""
        return self.line.stream

    def order(self, order: Order) -> None:
        """Change what the call does, immediately."""
        self._orders.put_nowait(order)

    def hang_up(self) -> None:
        """Hang up as the caller."""
        self.order(Finish("caller_hung_up"))

    def press(self, digits: str) -> None:
        """Press keys as the caller."""
        # Without a stream a key is only recorded: the agent cannot receive it.
        for digit in digits:
            self.timeline.record("dtmf", digit=digit, sent=self.stream is not None)
            self.line.keys.put_nowait(digit)
            if self.stream is not None:
                self.stream.press(digit)

    def hear_frame(self, mulaw: bytes) -> None:
        """Process audio of any length from the phone, split into frames of 20 ms."""
        for start in range(0, len(mulaw), FRAME):
            self.line.microphone.push(mulaw[start : start + FRAME].ljust(FRAME, SILENCE))

    async def run(self) -> None:
        """Run the call to its end."""
        end = End("exchange_stopped", "failed")
        try:
            self.timeline.record("ring", call_sid=self.sid, began_at=self.timeline.began_at)
            # Twilio ends every call after four hours.
            async with asyncio.timeout(self._settings.max_call_seconds):
                end = await self._execute()
        except TimeoutError:
            end = End("too_long")
        finally:
            await self._close(end)

    async def _execute(self) -> End:
        # Always have one pending order, so that a step can be interrupted at any time.
        order = asyncio.create_task(self._orders.get())
        talking: asyncio.Task[None] | None = None
        try:
            if self.outgoing is not None:
                if (unanswered := await self._ring(self.outgoing, order)) is not None:
                    return unanswered
                # From the answer on, the person presses keys and hangs up at times of their own.
                talking = asyncio.create_task(self.outgoing.person.talk(self))
            async with asyncio.timeout(None if self.outgoing is None else self.outgoing.time_limit):
                return await self._steps(self._program.begin(), order)
        finally:
            if talking is not None:
                talking.cancel()
                await asyncio.wait({talking})

    async def _ring(self, outgoing: Outgoing, order: asyncio.Task[Order]) -> End | None:
        """Let a person's phone ring; return how the call ended if they did not answer."""
        self.timeline.record("ringing")
        ringing = asyncio.create_task(outgoing.person.ring())
        try:
            await asyncio.wait({ringing, order}, timeout=outgoing.ring_seconds, return_when=asyncio.FIRST_COMPLETED)
            status = ringing.result() if ringing.done() else "no-answer"
        finally:
            ringing.cancel()
            await asyncio.wait({ringing})
        if order.done():
            return End("canceled", "canceled")
        if status != ANSWERED:
            return End(f"callee_{status}", status)
        # Twilio requests the document only now.
        self._answer()
        return None

    async def _steps(self, step: Step, order: asyncio.Task[Order]) -> End:
        try:
            while not isinstance(step, End):
                following = await self._perform(step, order)
                if following is None:
                    following = self._obey(order.result(), step)
                    order = asyncio.create_task(self._orders.get())
                step = following
        finally:
            order.cancel()
        return step

    async def _perform(self, step: Step, order: asyncio.Task[Order]) -> Step | None:
        """Execute a step and return the next one, or None if an order interrupted it."""
        # As at Twilio, a Pause as the first verb does not answer the call yet.
        if not isinstance(step, Fetch | Pause):
            self._answer()
        if isinstance(step, Dial) and (why := caller_id.refusal(step, self.party, self._settings.numbers)):
            return self._program.after(self._not_dialled(step, why))
        work = asyncio.create_task(self._attendant.perform(step, self.status))
        try:
            await asyncio.wait({work, order}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Wait for the cancellation: a step must have released the call's audio before the next one starts.
            work.cancel()
            await asyncio.wait({work})
        return None if order.done() else self._program.after(work.result())

    def _not_dialled(self, step: Dial, why: str) -> Done:
        """Return the outcome of a dial whose caller ID Twilio rejects; its `action` receives it."""
        self.timeline.record("dial", targets=[one.address.partition("?")[0] for one in step.targets], result="refused")
        self.timeline.record("error", code=caller_id.INVALID_CALLER_ID, reason=why)
        self.timeline.record("dial_ended", status="failed")
        return Done({"DialCallStatus": "failed", "DialBridged": "false", "ErrorCode": caller_id.INVALID_CALLER_ID})

    def _answer(self) -> None:
        # The clock starts once, with the first step that answers.
        if self._clock is None:
            self.status = "in-progress"
            self.timeline.record("answered")
            self._clock = asyncio.create_task(self.line.run())

    def _obey(self, order: Order, interrupted: Step) -> Step:
        match order:
            case Replace(twiml):
                self.timeline.record("redirected", by="twiml")
                return self._program.replace(twiml, "")
            case GoTo(url, method):
                self.timeline.record("redirected", by="url")
                return self._program.redirect(url, method)
            case Finish(reason):
                # Twilio still sends the outcome to `action`, although no caller is left to hear its document.
                if isinstance(interrupted, Connect | Dial) and interrupted.action:
                    params = self.party.params("completed", self._dialled(interrupted))
                    self._callbacks.send(interrupted.action, interrupted.method, params)
                return End(reason)

    def _dialled(self, interrupted: Connect | Dial) -> dict[str, str]:
        """Return the outcome of a dial that the caller ended by hanging up."""
        if not isinstance(interrupted, Dial):
            return {}
        # As many answers as dials means that the last dial was answered.
        answered = len(self.timeline.named("dial_answered")) == len(self.timeline.named("dial"))
        bridged = len(self.timeline.named("dial_bridged")) == len(self.timeline.named("dial"))
        return {
            "DialCallStatus": "completed" if answered else "canceled",
            "DialBridged": "true" if bridged else "false",
        }

    async def _close(self, end: End) -> None:
        # Stop the audio first, so that nothing follows the end.
        if self._clock is not None:
            self._clock.cancel()
            await asyncio.wait({self._clock})
        self.status = end.status
        self.ended_at = time.time()
        seconds = round(self.timeline.now(), 3)
        if self._settings.status_callback_url:
            extra = {"CallDuration": str(round(seconds)), "SequenceNumber": "0"}
            self._callbacks.send(self._settings.status_callback_url, "POST", self.party.params(end.status, extra))
        # 12100: document parse failure.
        if self._program.problem:
            self.timeline.record("error", code="12100", reason=self._program.problem)
        self.timeline.record("ended", reason=end.reason, status=end.status, seconds=seconds)
        await self._callbacks.finish()
