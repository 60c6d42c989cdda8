"""Executes the steps of a call: fetches TwiML, opens media streams, speaks, plays, dials."""

import asyncio
import time
from typing import Final

from standins.twilio import announcement_audio, sip_leg
from standins.twilio.call_audio import CallAudio
from standins.twilio.callbacks import Callbacks
from standins.twilio.gathering import Gathering
from standins.twilio.media import Announcer
from standins.twilio.mulaw import RATE
from standins.twilio.party import Party
from standins.twilio.settings import DialScript
from standins.twilio.signing import Signer
from standins.twilio.stream_client import MediaStream, Notify
from standins.twilio.timeline import Timeline
from standins.twilio.twiml_parser import (
    Connect,
    Dial,
    DialTarget,
    Gather,
    NotPretended,
    Pause,
    Play,
    Say,
    Stream,
    TwimlError,
    Verb,
    names,
    parse,
)
from standins.twilio.twiml_program import Document, Done, End, Fetch, FetchFailed, Outcome, Step, new_sid
from standins.twilio.webhook_client import WebhookError, Webhooks
from standins.twilio.whisper import ActedCallee, Whisper

_UNREADABLE_SOUND: Final = "13520"
_PERSON: Final = "You have reached a person. This stand-in plays that part."


class TwimlExecutor:
    """Executes the steps of one call."""

    def __init__(  # noqa: PLR0913 - independent collaborators, passed in one place
        self,
        party: Party,
        line: CallAudio,
        timeline: Timeline,
        webhooks: Webhooks,
        callbacks: Callbacks,
        *,
        signer: Signer,
        speak: announcement_audio.Speak | None,
        dial: DialScript,
    ) -> None:
        self._party = party
        self._line = line
        self._timeline = timeline
        self._webhooks = webhooks
        self._callbacks = callbacks
        self._signer = signer
        self._speak = speak
        self._dial = dial

    async def perform(self, step: Step, status: str) -> Outcome:
        """Execute one step; when cancelled, it leaves no connection open and no audio playing."""
        match step:
            case Fetch():
                return await self._fetch(step, status)
            case Connect():
                return await self._connect(step)
            case Dial():
                return await self._ring(step)
            case Gather():
                keys = await Gathering(self._line, self._timeline, self._prompt).run(step)
                return Done({"Digits": keys, "FinishedOnKey": ""} if keys else {})
            case Say(text, loop=loop):
                await self._say(text, loop)
            case Play(url, loop):
                await self._play(url, loop)
            case Pause(length):
                self._timeline.record("pause", seconds=length)
                await asyncio.sleep(length)
            # Unknown verbs are skipped and recorded, so that a test can require that there were none.
            case NotPretended(name):
                self._timeline.record("not_pretended", verb=name)
            case End():
                pass
        return Done()

    async def _fetch(self, step: Fetch, status: str) -> Outcome:
        params = self._party.params(status, step.params)
        # Twilio sends the same token with every retry of a webhook.
        token = {"I-Twilio-Idempotency-Token": new_sid("")}
        self._timeline.record("webhook", url=step.url, method=step.method)
        try:
            answer = await self._webhooks.ask(step.url, step.method, params, token)
        except WebhookError as error:
            self._timeline.record("error", code=error.code, reason=str(error), seconds=round(error.seconds, 4))
            return FetchFailed(error.code, step.url)
        # Verb names only: the document's texts may contain what a caller said.
        verbs = _verbs(answer.text, step.url)
        self._timeline.record("twiml", status=answer.status, seconds=round(answer.seconds, 4), verbs=verbs)
        return Document(answer.text, step.url)

    async def _connect(self, step: Connect) -> Outcome:
        announcer = Announcer(self._party.account_sid, self._party.call_sid, new_sid("MZ"))
        notify = self._notifier(step.stream, announcer.stream_sid)
        stream = MediaStream(step.stream, announcer, self._line.playout, self._timeline, notify)
        # Published while it runs, so that keys and audio of the call reach it.
        self._line.stream = stream
        try:
            await stream.run(self._signer)
        finally:
            self._line.stream = None
        # The fields that Twilio adds to the request for `action`.
        return Done({"StreamSid": stream.sid, "StreamName": step.stream.name})

    def _notifier(self, verb: Stream, stream_sid: str) -> Notify:
        fields = {
            "AccountSid": self._party.account_sid,
            "CallSid": self._party.call_sid,
            "StreamSid": stream_sid,
            "StreamName": verb.name,
        }

        def notify(event: str, error: str = "") -> None:
            # Status callbacks of a stream are optional.
            if verb.status_callback:
                now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                params = {**fields, "StreamEvent": event, "Timestamp": now, **({"StreamError": error} if error else {})}
                self._callbacks.send(verb.status_callback, verb.status_callback_method, params)

        return notify

    async def _prompt(self, verb: Verb) -> None:
        match verb:
            case Say(text, loop=loop):
                await self._say(text, loop)
            case Play(url, loop):
                await self._play(url, loop)
            case Pause(length):
                await asyncio.sleep(length)

    async def _say(self, text: str, loop: int) -> None:
        spoken = await announcement_audio.spoken(text, self._speak)
        self._timeline.record("say", text=text, spoken=spoken.aloud)
        for _ in range(loop):
            await self._line.play(spoken.mulaw)

    async def _play(self, url: str, loop: int) -> None:
        try:
            mulaw = await announcement_audio.fetched(url)
        # As at Twilio, an unreadable file is an error in the log, and the document continues.
        except announcement_audio.UnreadableSoundError as error:
            self._timeline.record("error", code=_UNREADABLE_SOUND, reason=str(error))
            return
        self._timeline.record("play", url=url, seconds=round(len(mulaw) / RATE, 2))
        for _ in range(loop):
            await self._line.play(mulaw)

    async def _ring(self, step: Dial) -> Outcome:
        # Several targets ring at once at Twilio; this stand-in calls the first one.
        target = step.targets[0]
        sip = sip_leg.reachable(target.address)
        # Without the query, which may contain custom SIP headers.
        addresses = [one.address.partition("?")[0] for one in step.targets]
        self._timeline.record("dial", targets=addresses, result="by SIP" if sip else f"acted out, {self._dial.result}")
        if sip is not None:
            dialling = sip_leg.Dialling(self._party, self._line, self._timeline, self._webhooks, self._speak)
            ended = await dialling.call(sip, step, target)
        else:
            ended = await self._pretend(step, target)
        self._timeline.record("dial_ended", status=ended["DialCallStatus"])
        return Done(ended)

    async def _pretend(self, step: Dial, target: DialTarget) -> dict[str, str]:
        """Simulate a phone that has no SIP address."""
        result = self._dial.result
        # An unanswered call rings for as long as the document allows.
        rings = step.timeout if result == "no-answer" else min(step.timeout, self._dial.ring_seconds)
        await self._line.play(announcement_audio.ringback(rings))
        params = {"DialCallStatus": result, "DialBridged": "false"}
        return params | await self._talk(step, target) if result == "completed" else params

    async def _talk(self, step: Dial, target: DialTarget) -> dict[str, str]:
        began = time.monotonic()
        self._timeline.record("dial_answered")
        child = new_sid("CA")
        if await self._accepted(step, target, child):
            self._timeline.record("dial_bridged")
            await self._say(_PERSON, 1)
            await asyncio.sleep(self._dial.talk_seconds)
            bridged = "true"
        else:
            bridged = "false"
        duration = str(round(time.monotonic() - began))
        return {"DialCallSid": child, "DialCallDuration": duration, "DialBridged": bridged}

    async def _accepted(self, step: Dial, target: DialTarget, child: str) -> bool:
        """Play the whisper to the person, and press the keys of the script; return whether the call was accepted."""
        script = self._dial
        callee = ActedCallee(script.presses, script.press_seconds, script.hangs_up_seconds, script.key_seconds)
        party = self._party.calling(child, target.address)
        whisper = Whisper(party, callee, self._timeline, self._webhooks, self._speak)
        behaving = asyncio.create_task(callee.behave())
        try:
            with sip_leg.ringing_tone(self._line, audible=step.answer_on_bridge):
                return await whisper.connects(target)
        finally:
            # The callee must not press keys after its part is over.
            behaving.cancel()
            await asyncio.wait({behaving})


def _verbs(text: str, url: str) -> list[str]:
    try:
        return names(parse(text, url))
    # The document is parsed again, and reported, when it is executed.
    except TwimlError:
        return []
