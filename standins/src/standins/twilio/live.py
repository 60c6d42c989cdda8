"""A live call: the program says what comes next, this does it."""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Final

from standins.twilio import sound
from standins.twilio.call import Document, Done, End, Fetch, FetchFailed, Outcome, Program, Step, new_sid
from standins.twilio.line import Hear, Line
from standins.twilio.media import Announcer
from standins.twilio.mulaw import FRAME
from standins.twilio.party import Party
from standins.twilio.settings import DialScript, ExchangeSettings
from standins.twilio.stream import MediaStream
from standins.twilio.timeline import Timeline
from standins.twilio.twiml import Connect, Dial, NotPretended, Pause, Play, Say, TwimlError, names, parse
from standins.twilio.webhook import WebhookError, Webhooks

_CALLBACKS_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Replace:
    """Execute this document instead (REST `Twiml`)."""

    twiml: str


@dataclass(frozen=True)
class GoTo:
    """Ask this address instead (REST `Url`)."""

    url: str
    method: str


@dataclass(frozen=True)
class Finish:
    """End the call."""

    reason: str


type Order = Replace | GoTo | Finish


class LiveCall:
    """One call from dialling to its end."""

    def __init__(  # noqa: PLR0913 - each is a collaborator of its own; built in one place
        self,
        party: Party,
        program: Program,
        settings: ExchangeSettings,
        webhooks: Webhooks,
        *,
        speak: sound.Speak | None = None,
        hear: Hear = lambda _number, _frame: None,
        dial: DialScript | None = None,
    ) -> None:
        self.party = party
        self.sid = party.call_sid
        self.status = "ringing"
        self.timeline = Timeline()
        self.line = Line(self.timeline, hear)
        self.started_at = time.time()
        self.ended_at: float | None = None
        self.end_reason = ""
        self._program = program
        self._settings = settings
        self._webhooks = webhooks
        self._speak = speak
        self._dial = dial or settings.dial
        self._orders: asyncio.Queue[Order] = asyncio.Queue()
        self._callbacks: set[asyncio.Task[None]] = set()
        self._clock: asyncio.Task[None] | None = None

    @property
    def stream(self) -> MediaStream | None:
        """The media stream that is open, if any."""
        return self.line.stream

    @property
    def seconds(self) -> float:
        """How long the call has lasted, or did."""
        return (self.ended_at or time.time()) - self.started_at

    def order(self, order: Order) -> None:
        """Change what the call does, now."""
        self._orders.put_nowait(order)

    def hang_up(self) -> None:
        """The caller puts the handset down."""
        self.order(Finish("caller_hung_up"))

    def press(self, digits: str) -> None:
        """The caller presses keys."""
        for digit in digits:
            self.timeline.record("dtmf", digit=digit, sent=self.stream is not None)
            if self.stream is not None:
                self.stream.press(digit)

    async def run(self) -> None:
        """Carry the call to its end."""
        end = End("exchange_stopped", "failed")
        try:
            self.timeline.record("ring", call_sid=self.sid, began_at=self.timeline.began_at)
            async with asyncio.timeout(self._settings.max_call_seconds):
                end = await self._execute()
        except TimeoutError:
            end = End("too_long")
        finally:
            await self._close(end)

    async def _execute(self) -> End:
        step = self._program.begin()
        order = asyncio.create_task(self._orders.get())
        try:
            while not isinstance(step, End):
                work = asyncio.create_task(self._perform(step))
                try:
                    await asyncio.wait({work, order}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    interrupted = not work.done()
                    await _cancelled(work)
                if order.done():
                    step = self._obey(order.result(), step)
                    order = asyncio.create_task(self._orders.get())
                elif not interrupted:
                    step = self._program.after(work.result())
        finally:
            order.cancel()
        return step

    def _obey(self, order: Order, interrupted: Step) -> Step:
        match order:
            case Replace(twiml):
                self.timeline.record("redirected", by="twiml")
                return self._program.replace(twiml, "")
            case GoTo(url, method):
                self.timeline.record("redirected", by="url")
                return self._program.redirect(url, method)
            case Finish(reason):
                if isinstance(interrupted, Connect | Dial) and interrupted.action:
                    self._call_back(interrupted.action, interrupted.method, self.party.params("completed"))
                return End(reason)

    async def _perform(self, step: Step) -> Outcome:
        if isinstance(step, Fetch):
            return await self._fetch(step)
        self._answer()
        match step:
            case Connect():
                return await self._connect(step)
            case Say(text, loop=loop):
                await self._say(text, loop)
            case Play(url, loop):
                await self._play(url, loop)
            case Pause(length):
                self.timeline.record("pause", seconds=length)
                await asyncio.sleep(length)
            case Dial():
                return await self._ring(step)
            case NotPretended(name):
                self.timeline.record("not_pretended", verb=name)
            case End():
                raise AssertionError
        return Done()

    def _answer(self) -> None:
        if self._clock is None:
            self.status = "in-progress"
            self.timeline.record("answered")
            self._clock = asyncio.create_task(self.line.run())

    async def _fetch(self, step: Fetch) -> Outcome:
        params = self.party.params(self.status, step.params)
        token = {"I-Twilio-Idempotency-Token": new_sid("")}
        self.timeline.record("webhook", url=step.url, method=step.method)
        try:
            answer = await self._webhooks.ask(step.url, step.method, params, token)
        except WebhookError as error:
            self.timeline.record("error", code=error.code, reason=str(error), seconds=round(error.seconds, 4))
            return FetchFailed(error.code, step.url)
        shape = _verbs(answer.text, step.url)
        self.timeline.record("twiml", status=answer.status, seconds=round(answer.seconds, 4), verbs=shape)
        return Document(answer.text, step.url)

    async def _connect(self, step: Connect) -> Outcome:
        sid = new_sid("MZ")
        verb = step.stream

        def notify(event: str, error: str = "") -> None:
            if verb.status_callback:
                extra = {"StreamSid": sid, "StreamName": verb.name, "StreamEvent": event, "StreamError": error}
                extra["Timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                fields = {"AccountSid": self.party.account_sid, "CallSid": self.sid, **extra}
                self._call_back(verb.status_callback, verb.status_callback_method, fields)

        announcer = Announcer(self.party.account_sid, self.sid, sid)
        stream = MediaStream(verb, announcer, self.line.playout, self.timeline, notify)
        self.line.stream = stream
        try:
            await stream.run(self._settings.auth_token)
        finally:
            self.line.stream = None
        return Done({"StreamSid": sid, "StreamName": verb.name})

    async def _say(self, text: str, loop: int) -> None:
        self.timeline.record("say", text=text, spoken=self._speak is not None)
        mulaw = await sound.spoken(text, self._speak)
        for _ in range(loop):
            await self.line.play(mulaw)

    async def _play(self, url: str, loop: int) -> None:
        try:
            mulaw = await sound.fetched(url)
        except sound.UnreadableSoundError as error:
            self.timeline.record("error", code="13520", reason=str(error))
            return
        self.timeline.record("play", url=url, seconds=round(len(mulaw) / 8000, 2))
        for _ in range(loop):
            await self.line.play(mulaw)

    async def _ring(self, step: Dial) -> Outcome:
        script, sid = self._dial, new_sid("CA")
        self.timeline.record("dial", targets=list(step.targets), result=script.result)
        waits = script.result == "no-answer"
        await self.line.play(sound.ringback(min(step.timeout, script.ring_seconds) if not waits else step.timeout))
        seconds = 0.0
        if script.result == "completed":
            began = time.monotonic()
            self.timeline.record("dial_answered")
            await self._say("You have reached a person. This stand-in plays that part.", 1)
            await asyncio.sleep(script.talk_seconds)
            seconds = time.monotonic() - began
        self.timeline.record("dial_ended", status=script.result)
        answered = (
            {"DialCallSid": sid, "DialCallDuration": str(round(seconds)), "DialBridged": "true"} if seconds else {}
        )
        return Done({"DialCallStatus": script.result, **answered})

    def _call_back(self, url: str, method: str, params: dict[str, str]) -> None:
        self._own(self._callback(url, method, params))

    async def _callback(self, url: str, method: str, params: dict[str, str]) -> None:
        try:
            await self._webhooks.ask(url, method, params)
        except WebhookError as error:
            if error.code != "12300":  # what a callback answers need not be TwiML
                self.timeline.record("error", code=error.code, reason=f"callback: {error}")

    def _own(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._callbacks.add(task)
        task.add_done_callback(self._callbacks.discard)

    async def _close(self, end: End) -> None:
        if self._clock is not None:
            await _cancelled(self._clock)
        self.status = end.status
        self.ended_at = time.time()
        self.end_reason = end.reason
        duration = str(round(self.seconds))
        if self._settings.status_callback_url:
            extra = {"CallDuration": duration, "SequenceNumber": "0", "CallbackSource": "call-progress-events"}
            self._call_back(self._settings.status_callback_url, "POST", self.party.params(end.status, extra))
        if self._program.problem:
            self.timeline.record("error", code="12100", reason=self._program.problem)
        seconds = round(self.timeline.now(), 3)
        self.timeline.record("ended", reason=end.reason, status=end.status, seconds=seconds)
        if self._callbacks:
            await asyncio.wait(self._callbacks, timeout=_CALLBACKS_SECONDS)

    def hear_frame(self, frame: bytes) -> None:
        """Take sound from the handset, any length; it is cut into frames of 20 ms."""
        for start in range(0, len(frame), FRAME):
            self.line.microphone.push(frame[start : start + FRAME].ljust(FRAME, b"\xff"))


def _verbs(text: str, url: str) -> list[str]:
    try:
        return names(parse(text, url))
    except TwimlError:
        return []


async def _cancelled(task: asyncio.Task[object] | asyncio.Task[None] | asyncio.Task[Outcome]) -> None:
    task.cancel()
    await asyncio.wait({task})
