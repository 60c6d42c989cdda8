"""The whisper: the document behind `<Number url>` or `<Sip url>`, which a callee hears before being connected.

The calls are bridged when the document ends. `<Hangup>` in it ends the callee's leg, without a bridge. Only a
`<Gather>` reads DTMF keys: keys pressed before it are lost.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Final, Protocol

from standins.twilio import announcement_audio
from standins.twilio.gathering import Gathering, KeyedParty
from standins.twilio.party import Party
from standins.twilio.timeline import Timeline
from standins.twilio.twiml_parser import (
    Connect,
    Dial,
    DialTarget,
    Gather,
    Hangup,
    Pause,
    Play,
    Redirect,
    Say,
    TwimlError,
    Verb,
    parse,
)
from standins.twilio.webhook_client import WebhookError, Webhooks

_MAX_DOCUMENTS: Final = 10


class Callee(KeyedParty, Protocol):
    """The callee's leg."""

    async def play(self, mulaw: bytes) -> None:
        """Play to the callee in real time; stop if they hang up."""


@dataclass
class ActedCallee:
    """A simulated callee: presses keys or hangs up some time after answering."""

    presses: str = ""
    press_seconds: float = 0.0
    hangs_up_seconds: float | None = None
    key_seconds: float = 0.2
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    keys: "asyncio.Queue[str]" = field(default_factory=asyncio.Queue)

    async def behave(self) -> None:
        """Press the keys or hang up, each after its delay."""
        # Hanging up excludes pressing keys.
        if self.hangs_up_seconds is not None:
            await asyncio.sleep(self.hangs_up_seconds)
            self.ended.set()
            return
        await asyncio.sleep(self.press_seconds)
        for key in self.presses:
            self.keys.put_nowait(key)
            await asyncio.sleep(self.key_seconds)

    async def play(self, mulaw: bytes) -> None:
        """Wait as long as the audio plays, or until hang-up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(len(mulaw) / 8000):
                await self.ended.wait()


class _HungUpError(Exception):
    """The document ended the callee's leg."""


class Whisper:
    """The whisper of one callee.

    Args:
        party: The call to the callee.
        callee: The callee's leg.
        timeline: The timeline of the caller's call.
        webhooks: Sends requests to the application.
        speak: Converts text to audio.
    """

    def __init__(
        self,
        party: Party,
        callee: Callee,
        timeline: Timeline,
        webhooks: Webhooks,
        speak: announcement_audio.Speak | None,
    ) -> None:
        self._party = party
        self._callee = callee
        self._timeline = timeline
        self._webhooks = webhooks
        self._speak = speak

    async def connects(self, target: DialTarget) -> bool:
        """Execute the whisper; return whether the calls are bridged afterwards."""
        # Without a document the callee is connected at once.
        if not target.url:
            return True
        try:
            await self._documents(target.url, target.method)
        except _HungUpError:
            return False
        # A callee that hangs up during the last prompt is not connected.
        return not self._callee.ended.is_set()

    async def _documents(self, url: str, method: str) -> None:
        params: dict[str, str] = {}
        for _ in range(_MAX_DOCUMENTS):
            following = await self._document(url, method, params)
            if following is None:
                return
            url, method, params = following
        # Documents that redirect to each other must end.
        raise _HungUpError

    async def _document(self, url: str, method: str, params: dict[str, str]) -> tuple[str, str, dict[str, str]] | None:
        """Execute one document; return the next request, or None at its end."""
        try:
            answer = await self._webhooks.ask(url, method, self._party.params("in-progress", params))
            verbs = parse(answer.text, url)
        except (WebhookError, TwimlError) as error:
            self._timeline.record("error", code=error.code, reason=f"whisper: {error}")
            raise _HungUpError from error
        if any(isinstance(verb, Dial | Connect) for verb in verbs):  # a whisper cannot start a third leg
            self._timeline.record("error", code=TwimlError.code, reason="whisper: <Dial> and <Connect> are not allowed")
            raise _HungUpError
        for verb in verbs:
            # Between verbs, because a hang-up during one only stops its audio.
            if self._callee.ended.is_set():
                raise _HungUpError
            match verb:
                case Hangup():
                    self._timeline.record("whisper_hung_up")
                    raise _HungUpError
                case Redirect(url, method):
                    return url, method, {}
                case Gather():
                    keys = await Gathering(self._callee, self._timeline, self._perform).run(verb)
                    # Without a key the document continues, which is how a voicemail is detected.
                    if keys:
                        return verb.action, verb.method, {"Digits": keys, "FinishedOnKey": ""}
                case _:
                    await self._perform(verb)
        return None

    async def _perform(self, verb: Verb) -> None:
        match verb:
            case Say(text, loop=loop):
                spoken = await announcement_audio.spoken(text, self._speak)
                self._timeline.record("whisper", text=text, language=verb.language, spoken=spoken.aloud)
                for _ in range(loop):
                    await self._callee.play(spoken.mulaw)
            case Play(url):
                await self._callee.play(await announcement_audio.fetched(url))
            case Pause(length):
                await asyncio.sleep(length)
            case _:
                self._timeline.record("not_pretended", verb=f"whisper/{type(verb).__name__}")
