"""One caller: listens until the agent has finished, speaks, listens again, hangs up."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import websockets

from standins.twilio import mulaw
from standins.twilio.handset import CallRecording, Handset
from standins.twilio.timeline import Event, Timeline
from voice_agent.call.utterances import Utterance

GREETING_SECONDS: Final = 6.0
"""Seconds that a caller waits for the greeting."""


@dataclass(frozen=True)
class Patience:
    """The time limits of a caller, all in seconds."""

    settle: float = 1.0
    """Silence that ends a reply; up to 0.8 s were measured between two sentences of one reply."""
    last_settle: float = 2.0
    """The same after the last turn, so that the caller hears all of a reply that comes in two parts."""
    answer: float = 12.0
    """Longest wait for a reply to begin; all callers ask at the same moment, so many callers need more of it."""
    call: float = 120.0
    """Longest duration of the call."""
    barge_in: float | None = None
    """Barge in this long after the agent began to speak; None to let it finish."""


@dataclass
class Exchanged:
    """A turn and its reply, in seconds on the call's timeline."""

    label: str
    began: float
    ended: float
    answer_began: float | None = None
    answer_ended: float | None = None
    text: str = ""
    """What the caller did, for the report; empty if the caller spoke the label."""


@dataclass
class CallResult:
    """The result of one call."""

    caller: int
    timeline: Timeline = field(default_factory=Timeline)
    recording: CallRecording = field(default_factory=CallRecording)
    answered_at: float = 0.0
    turns: list[Exchanged] = field(default_factory=list)
    failure: str = ""

    @property
    def call_sid(self) -> str:
        """The call's SID; empty if it never rang."""
        ring = self.timeline.last("ring")
        return str(ring.fields["call_sid"]) if ring else ""

    def heard(self, start: float = 0.0, stop: float | None = None) -> bytes:
        """Return the audio between two times as 16-bit mono PCM at 8 kHz."""
        last = None if stop is None else self._frame(stop)
        return self.recording.pcm(self._frame(start), last)

    def _frame(self, at: float) -> int:
        # The recording begins when the call is answered, and has one frame for every 20 ms.
        return max(0, round((at - self.answered_at) / mulaw.FRAME_SECONDS))


class Caller:
    """Takes its turns on one handset."""

    def __init__(self, handset: Handset, patience: Patience, result: CallResult) -> None:
        self._handset = handset
        self._timeline = handset.timeline
        self._patience = patience
        self._result = result

    async def converse(self, utterances: Sequence[Utterance]) -> None:
        """Take all turns. A turn without a reply ends the conversation and becomes the result's failure."""
        # With a single turn the only thing to barge into is the greeting.
        alone = len(utterances) == 1
        await self._listen(0.0, GREETING_SECONDS, self._patience.settle, cut=alone)
        for index, utterance in enumerate(utterances):
            if self._handset.ended:
                self._fail(f"the call ended before {utterance.label!r} could be said")
                return
            last = index == len(utterances) - 1
            if not await self._turn(utterance, last=last):
                return

    async def _turn(self, utterance: Utterance, *, last: bool) -> bool:
        began = self._timeline.now()
        ended = began + utterance.audible_seconds if utterance.mulaw else began
        turn = Exchanged(utterance.label, began, ended, text=utterance.text)
        self._result.turns.append(turn)
        if utterance.digits:
            await self._handset.press(utterance.digits)
            turn.ended = self._timeline.now()
        else:
            await self._handset.say(utterance.mulaw)
        # Only the last reply is waited for longer: waiting after each would slow down every call.
        settle = self._patience.last_settle if last else self._patience.settle
        heard = await self._listen(turn.ended, self._patience.answer, settle, cut=not last)
        if heard is None and not self._handset.ended:
            self._fail(f"no answer to {utterance.label!r} within {self._patience.answer:g} s")
            return False
        if heard is not None:
            turn.answer_began, turn.answer_ended = heard
        return True

    async def _listen(
        self, since: float, seconds: float, settle: float, *, cut: bool
    ) -> tuple[float, float | None] | None:
        """Wait for speech that begins after `since` and, unless the caller may barge in, for its end."""
        began = await self._speech(since, seconds)
        if began is None:
            return None
        # A caller that barges in does not wait for the end of the reply, so this reply has none.
        if cut and self._patience.barge_in is not None:
            await self._wait_until(began.at + self._patience.barge_in)
            return began.at, None
        while not self._handset.ended:
            last = self._last_sound()
            if last.name == "sound_ends" and not self._is_put_through() and self._timeline.now() - last.at >= settle:
                return began.at, last.at
            # Audio that lasts produces no event, so the loop checks at least once a second for the call's end.
            rest = last.at + settle - self._timeline.now() if last.name == "sound_ends" else 1.0
            await self._timeline.until_change(max(rest, 0.01))
        return began.at, self._last_sound().at

    async def _speech(self, since: float, seconds: float) -> Event | None:
        # A turn that is still playing must not use up the time for its reply.
        until = max(since, self._timeline.now()) + seconds
        while True:
            found = next((event for event in self._timeline.named("sound_begins") if event.at >= since), None)
            left = until - self._timeline.now()
            if found is not None or left <= 0 or self._handset.ended:
                return found
            await self._timeline.until_change(left)

    def _is_put_through(self) -> bool:
        """Return whether a transfer is in progress or was just answered: then silence does not end a reply."""
        dial, answer = self._timeline.last("dial"), self._timeline.last("dial_bridged")
        if dial is None or self._count("dial_ended") >= self._count("dial"):
            return False
        return answer is None or answer.at < dial.at or self._last_sound().at < answer.at

    def _count(self, event: str) -> int:
        return len(self._timeline.named(event))

    def _last_sound(self) -> Event:
        return next(event for event in reversed(self._timeline.events) if event.name in {"sound_begins", "sound_ends"})

    async def _wait_until(self, at: float) -> None:
        while not self._handset.ended and (left := at - self._timeline.now()) > 0:
            await self._timeline.until_change(left)

    def _fail(self, reason: str) -> None:
        self._result.failure = self._result.failure or reason


@dataclass(frozen=True)
class Number:
    """The URLs and the two numbers of a call."""

    exchange_url: str
    webhook_url: str
    caller: str
    callee: str


async def place(  # noqa: PLR0913, PLR0917 - the parts of one call
    handset: Handset,
    number: Number,
    result: CallResult,
    utterances: Sequence[Utterance],
    patience: Patience,
    caller: Caller | None = None,
) -> None:
    """Make one call; the result holds its failure and everything heard until then.

    Args:
        handset: The telephone.
        number: What to call.
        result: Receives what happens.
        utterances: The caller's turns.
        patience: Time limits.
        caller: Who takes the turns; by default a `Caller`.
    """
    try:
        async with asyncio.timeout(patience.call), handset:
            await handset.dial(number.webhook_url, caller=number.caller, callee=number.callee)
            await (caller or Caller(handset, patience, result)).converse(utterances)
    except TimeoutError:
        result.failure = f"the call was not over after {patience.call:g} s"
    except (OSError, websockets.InvalidHandshake) as error:
        result.failure = f"the exchange at {number.exchange_url} does not answer ({error})"
    finally:
        result.answered_at = handset.answered_at
    # The first failure is the cause; the way in which the call ended is often its consequence.
    result.failure = result.failure or _failure(handset.timeline)


def _failure(timeline: Timeline) -> str:
    if timeline.last("stream_started") is None:
        error = timeline.last("error")
        return f"the agent never took the call: {error.fields['reason']}" if error else "the agent never took the call"
    ended = timeline.last("ended")
    return "" if ended and ended.fields["status"] == "completed" else "the call did not end as it should"
