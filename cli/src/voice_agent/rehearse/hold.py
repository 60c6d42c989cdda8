"""Hold one rehearsal on a telephone, and observe it: what was heard, said and called, and when."""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final, Literal

from standins.speech import transcribe_answer
from standins.twilio import mulaw
from standins.twilio.handset import Handset
from voice_agent.call.caller import Caller, CallResult, Exchanged, Number, Patience, place
from voice_agent.call.recogniser import Transcribe, readings
from voice_agent.call.running import ModelView, Running, model_view, played, stages
from voice_agent.call.speakers import Recording, Sound, Speaker, answers
from voice_agent.call.utterances import Utterance
from voice_agent.call.verdict import Reviewed
from voice_agent.rehearse.conditions import QUIET, SLOW_SECONDS, Condition
from voice_agent.rehearse.observed import Observed, ObservedTurn, ToolUse
from voice_agent.rehearse.rehearsals import Rehearsal

_GOODBYE_SECONDS: Final = 15.0
"""Longest time from the caller's goodbye to the agent's hang-up."""
_TRANSFER_SECONDS: Final = 40.0
"""Longest time until a person answers: the telephone rings for 30 s, after the agent has said that it connects."""
_REPLY_SECONDS: Final = 15.0
_RECORD_SECONDS: Final = 5.0
"""Longest time from the end of a call to its end record, which is written when the media stream is closed."""
_LOOK_SECONDS: Final = 0.2
_STREAM: Final = "stream_started"
_BOTH_ENDS: Final = ("session_started", "session_ended")
_GROUP_SECONDS: Final = 60.0
"""Longest time until every caller of a group has come to the last turn."""
_RESUME_SECONDS: Final = 20.0
"""Longest time until another task speaks to the caller of a killed one."""
_TURN_SECONDS: Final = 45.0
"""Longest time of one turn with its reply, for the limit of a whole call."""


_RECOGNISER: Final = asyncio.Lock()


@dataclass
class Conversation:
    """A rehearsal with the audio of its turns."""

    rehearsal: Rehearsal
    utterances: list[Utterance] = field(repr=False)
    number: Number
    condition: Condition = QUIET
    attempt: int = 1
    channel: Literal["phone", "web"] = "phone"


class KillTogether:
    """Kills a task once, when every caller of a group is about to say the last line, and lets them continue.

    Args:
        callers: In the group.
        kill: Kills the task.
    """

    def __init__(self, callers: int, kill: Callable[[], Awaitable[None]]) -> None:
        self._missing = callers
        self._kill = kill
        self._all_here = asyncio.Event()
        self._killed: asyncio.Task[None] | None = None

    async def wait(self) -> None:
        """Wait until the task was killed."""
        self._missing -= 1
        if self._missing <= 0:
            self._all_here.set()
        # A caller whose conversation failed must not keep the others waiting.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GROUP_SECONDS):
                await self._all_here.wait()
        self._killed = self._killed or asyncio.ensure_future(self._kill())
        await asyncio.shield(self._killed)


class _RehearsedCaller(Caller):
    """Goes through a disturbance, and waits after the last turn for what the rehearsal expects.

    A task is killed before the last turn, because a whole conversation has to survive it; silence comes first.
    """

    def __init__(
        self,
        handset: Handset,
        patience: Patience,
        result: CallResult,
        conversation: "Conversation",
        kill: KillTogether | None,
    ) -> None:
        super().__init__(handset, patience, result)
        self._turns = conversation.rehearsal.turns
        self._silence = conversation.condition.silence
        self._kill = kill
        self._undisturbed = True
        self.ended_by_agent = False
        self.asked_in_silence = False
        """Whether the agent spoke while the caller was silent."""

    async def converse(self, utterances: Sequence[Utterance]) -> None:
        await super().converse(utterances)
        expect = self._turns[-1].expect
        try:
            if expect.transfer and not self._handset.ended:
                await self._timeline.until("dial_bridged", _TRANSFER_SECONDS)
            elif expect.ends and not self._handset.ended:
                await self._timeline.until("ended", _GOODBYE_SECONDS)
        except TimeoutError:
            return
        finally:
            # Read before this caller hangs up: a call that is over by now was ended by the agent.
            self.ended_by_agent = self._handset.ended and not self._timeline.named("dial_bridged")

    async def _turn(self, utterance: Utterance, *, last: bool) -> bool:
        if self._undisturbed and (last or self._kill is None):
            self._undisturbed = False
            await self._disturbed()
        return await super()._turn(utterance, last=last)

    async def _disturbed(self) -> None:
        """Be silent, or let the task be killed; then hear out what the agent says about it."""
        since = self._timeline.now()
        if self._kill is not None:
            streams = len(self._timeline.named(_STREAM))
            await self._kill.wait()
            # The telephone network's "One moment." comes first: it is not what the next task says.
            with contextlib.suppress(TimeoutError):
                since = (await self._timeline.until(_STREAM, _RESUME_SECONDS, count=streams + 1)).at
            await self._listen(since, _RESUME_SECONDS, self._patience.settle, cut=False)
        elif self._silence:
            asked = await self._listen(since, self._silence, self._patience.settle, cut=False)
            self.asked_in_silence = asked is not None


async def hold(
    conversation: Conversation,
    running: Running | None,
    kill: KillTogether | None = None,
    transcribe: Transcribe = transcribe_answer,
) -> Observed:
    """Call, take every turn, hang up, and return what happened.

    Args:
        conversation: The rehearsal, prepared.
        running: The system on this machine, for what is inside; None for a deployment.
        kill: Kills the task before the last turn.
        transcribe: Reads the replies of a deployment.
    """
    rehearsal, condition = conversation.rehearsal, conversation.condition
    handset = Handset(conversation.number.exchange_url)
    result = CallResult(0, handset.timeline, handset.heard)
    # A bound over everything, so that one stuck call cannot hold up the others.
    limit = _TURN_SECONDS * (len(rehearsal.turns) + 1) + condition.silence + (2 * _GROUP_SECONDS if kill else 0)
    # The words that cover a slow tool are not the end of the reply.
    settle = SLOW_SECONDS + 1 if condition.tool == "slow" else Patience.settle
    patience = Patience(
        settle, max(settle, Patience.last_settle), answer=_REPLY_SECONDS, call=limit, barge_in=condition.barge_in
    )
    caller = _RehearsedCaller(handset, patience, result, conversation, kill)
    await place(handset, conversation.number, result, conversation.utterances, patience, caller)
    view = await model_view(running, result.call_sid) if running and result.call_sid else None
    words = await _transcribed(result, transcribe) if running is None else {}
    observed = await observe(conversation, result, view, running, words)
    observed.ended_by_agent = caller.ended_by_agent
    observed.asked_in_silence = caller.asked_in_silence
    return observed


async def observe(
    conversation: Conversation,
    result: CallResult,
    view: ModelView | None,
    running: Running | None,
    spoken: Mapping[int, str] = MappingProxyType({}),
) -> Observed:
    """Return what happened in a call, from its timeline, the model's records and the service's log.

    Args:
        conversation: The rehearsal.
        result: The call.
        view: What the model recorded; None for a deployment.
        running: The system on this machine; None for a deployment.
        spoken: The transcript of the reply to each turn, counted from 1, where nothing else shows it.
    """
    zero = result.timeline.began_at
    log = await _complete_log(running, result.call_sid) if running else []
    recordings = [Recording(one.at - zero, one.name) for one in played(running, result.call_sid)] if running else []
    reviewed = Reviewed(result, view, [], [], recordings)
    observed = Observed(
        failure=result.failure,
        transferred=bool(result.timeline.named("dial_bridged")),
        sees_inside=view is not None,
        greeting=bool(result.timeline.named("sound_begins")),
        call_sid=result.call_sid,
    )
    if running and log:
        observed.conversations = len({line.get("session_id") for line in log if line.get("event") == "session_started"})
        observed.records = sum(line.get("event") == "session_ended" for line in log)
    # By speaker, because an announcement or a person is not the model's reply.
    replies = answers(result.turns, reviewed.sounds)
    edges = [*(turn.began for turn in result.turns), float("inf")]
    entered = stages(running, result.call_sid) if running else []
    began = next((str(line.get("stage", "")) for line in log if line.get("event") == "session_started"), "")
    transfers = [str(line.get("destination", "")) for line in log if line.get("event") == "transfer_asked"]
    for index, ((start, stop), turn, reply) in enumerate(zip(pairwise(edges), result.turns, replies, strict=True)):
        seen = _turn(view, zero, start, stop) if view else ObservedTurn(said=spoken.get(index + 1, ""))
        _add_audio(seen, conversation.utterances[index], result, turn, stop)
        seen.wait = _wait(turn, reply)
        seen.recordings = [sound.recording for sound in reply if sound.recording]
        if view is not None and conversation.condition.tool == "slow":
            seen.covered = _is_covered(view, reply, start + zero, stop + zero, zero)
        seen.stage = ([began] + [stage.name for stage in entered if stage.at < stop + zero])[-1]
        seen.stopped = _stopped(result, edges, index)
        seen.transfer = transfers[-1] if transfers and conversation.rehearsal.turns[index].expect.transfer else ""
        observed.turns.append(seen)
    return observed


async def _complete_log(running: Running, call_sid: str) -> list[dict[str, Any]]:
    """Return a call's lines when its end records are there, or at the latest after a few seconds."""
    deadline = time.monotonic() + _RECORD_SECONDS
    while True:
        log = [*_log(running.phone_log(), call_sid)]
        started, ended = (sum(line.get("event") == event for line in log) for event in _BOTH_ENDS)
        if ended >= started or time.monotonic() > deadline:
            return log
        await asyncio.sleep(_LOOK_SECONDS)


async def _transcribed(result: CallResult, transcribe: Transcribe) -> dict[int, str]:
    """Return the words of each reply by a recogniser, because from outside a deployment nothing else shows them."""
    # The recogniser has one state for all calls.
    async with _RECOGNISER:
        return {one.turn: one.text for one in await readings(result, transcribe)}


def _turn(view: ModelView, zero: float, start: float, stop: float) -> ObservedTurn:
    """Return what the model recorded between two times of the call."""

    def within(items: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        return [item for item in items if start <= item["at"] - zero < stop]

    return ObservedTurn(
        # Written text is an instruction of the application, such as the one to greet.
        heard=" ".join(item["text"] for item in within(view.heard) if not item.get("written")),
        said=" ".join(item["text"] for item in within(view.said)),
        tools=[ToolUse(item["name"], item["input"], item.get("result")) for item in within(view.tools)],
    )


def _add_audio(seen: ObservedTurn, utterance: Utterance, result: CallResult, turn: Exchanged, stop: float) -> None:
    seen.caller_audio = utterance.mulaw
    first = max(0, round((turn.ended - result.answered_at) / mulaw.FRAME_SECONDS))
    last = None if stop == float("inf") else round((stop - result.answered_at) / mulaw.FRAME_SECONDS)
    seen.agent_audio = result.recording.mulaw(first, last)


def _wait(turn: Exchanged, reply: Sequence[Sound]) -> float | None:
    """Return the seconds until the model's own reply; after a transfer a person answers."""
    heard = (sound.began for sound in reply if sound.is_model or sound.speaker is Speaker.PERSON)
    began = next(heard, None)
    return None if began is None else max(0.0, began - turn.ended)


def _is_covered(view: ModelView, reply: Sequence[Sound], start: float, stop: float, zero: float) -> bool:
    """Return whether audio began before the first slow tool of a turn had answered; times are Unix seconds."""
    # From the request on: how long the model takes to understand the caller is not the tool's time.
    asked = next((item["at"] for item in view.tools if start <= item["at"] < stop), None)
    heard = next((sound.began + zero for sound in reply), None)
    return asked is None or (heard is not None and heard < asked + SLOW_SECONDS)


def _stopped(result: CallResult, edges: Sequence[float], index: int) -> float | None:
    """Return how long the reply to a turn continued after the caller's next words began."""
    if index + 2 >= len(edges):
        return None
    began = edges[index + 1]
    ends = [event.at for event in result.timeline.named("sound_ends") if event.at >= began]
    starts = [event.at for event in result.timeline.named("sound_begins") if event.at < began]
    stops = [event.at for event in result.timeline.named("sound_ends") if event.at < began]
    # Only if audio was playing at that moment: then more audio had begun than ended.
    return ends[0] - began if ends and len(starts) > len(stops) else None


def _log(lines: Iterable[str], call_sid: str) -> Iterable[dict[str, Any]]:
    for line in lines:
        # Parsing JSON is slow and the log long, so a text search selects the lines.
        if call_sid and call_sid in line:
            try:
                fields = json.loads(line)
            except ValueError:
                continue
            if isinstance(fields, dict) and fields.get("call_sid") == call_sid:
                yield fields
