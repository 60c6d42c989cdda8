"""Hold many rehearsals at once, and judge each when it ends."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime

from standins.twilio.announcement_audio import Speak
from voice_agent.call.turns import Pressed, Spoken
from voice_agent.call.utterances import Utterance, prepare
from voice_agent.rehearse.conditions import QUIET, Condition
from voice_agent.rehearse.hold import Conversation, KillTogether, hold
from voice_agent.rehearse.observed import Observed
from voice_agent.rehearse.rehearsals import Rehearsal
from voice_agent.rehearse.stage import Stage
from voice_agent.rehearse.variants import Channel
from voice_agent.rehearse.verdict import Verdict, judge
from voice_agent.rehearse.waveform import mulaw_wav
from voice_agent.rehearse.web import hold_on_web

type Show = Callable[[Verdict], None]


async def hold_all(  # noqa: PLR0913 - what is held, and how
    stage: Stage,
    rehearsals: Sequence[Rehearsal],
    conditions: Sequence[Condition],
    speak: Speak | None,
    show: Show,
    *,
    at_once: int,
    times: int,
    over: Sequence[Channel] = ("phone",),
) -> list[Verdict]:
    """Hold each rehearsal under each condition, and return the verdicts in order.

    Args:
        stage: Where.
        rehearsals: What is said.
        conditions: Under which conditions.
        speak: The caller's voice.
        show: Receives each verdict when its conversation has ended.
        at_once: Conversations at the same time.
        times: Attempts of each.
        over: On which channels. Conditions and keys are of a telephone, so the web has neither.
    """
    # Once and before the calls: synthesis would delay their turns.
    prepared = {id(one): await _spoken(one, speak) for one in rehearsals}
    made = [
        Conversation(
            one,
            _altered(prepared[id(one)], condition),
            stage.numbers[stage.key(condition, one, channel, attempt)],
            condition,
            attempt,
            channel,
        )
        for condition in conditions
        for channel in over
        for one in rehearsals
        if channel == "phone" or (condition is QUIET and is_typed(one))
        for attempt in range(1, times + 1)
    ]
    turns = asyncio.Semaphore(at_once)
    alone = at_once == 1 or len(made) == 1 or stage.system is None

    async def one(conversation: Conversation, kill: KillTogether | None = None) -> Verdict:
        async with turns:
            observed = await _hold(stage, conversation, kill)
        verdict = judge(
            conversation.rehearsal,
            observed,
            today=_today(stage, conversation.rehearsal),
            condition=conversation.condition,
            channel=conversation.channel,
            attempt=conversation.attempt,
        )
        verdict.audio = _save(stage, verdict)
        show(verdict)
        return verdict

    async def again(verdict: Verdict, conversation: Conversation) -> Verdict:
        # Among others, recognition and replies may be late. Only what the model misses again, alone, counts.
        spared = alone or conversation.condition.kills or conversation.condition.misheard
        if spared or verdict.model_ok or not verdict.wire_ok:
            return verdict
        key = stage.key(conversation.condition, conversation.rehearsal, conversation.channel, times + 1)
        return await one(replace(conversation, attempt=times + 1, number=stage.numbers[key]))

    undisturbed = [each for each in made if not each.condition.kills]
    first = await asyncio.gather(*(one(each) for each in undisturbed))
    verdicts = [await again(verdict, each) for verdict, each in zip(first, undisturbed, strict=True)]
    killed = [each for each in made if each.condition.kills]
    # One kill ends every conversation of its task, so those of a group start together.
    for start in range(0, len(killed), at_once):
        group = killed[start : start + at_once]
        kill = KillTogether(len(group), stage.system.kill_task) if stage.system else None
        verdicts += await asyncio.gather(*(one(each, kill) for each in group))
    return verdicts


def is_typed(rehearsal: Rehearsal) -> bool:
    """Return whether it can be held on the web, where words are typed and no keys are pressed."""
    return not any(turn.keys for turn in rehearsal.turns)


def _today(stage: Stage, rehearsal: Rehearsal) -> date:
    set_to = rehearsal.now if stage.system is not None else None
    return (set_to or datetime.now().astimezone()).date()


async def _hold(stage: Stage, conversation: Conversation, kill: KillTogether | None) -> Observed:
    if conversation.channel == "web":
        key = stage.key(conversation.condition, conversation.rehearsal, "web", conversation.attempt)
        return await hold_on_web(conversation.rehearsal, stage.web_url, stage.agents[key])
    return await hold(conversation, stage.running, kill, stage.transcribe)


async def _spoken(rehearsal: Rehearsal, speak: Speak | None) -> list[Utterance]:
    turns = [Pressed(turn.keys) if turn.keys else Spoken(turn.says) for turn in rehearsal.turns]
    return await prepare(turns, 0, speak)


def _altered(utterances: Sequence[Utterance], condition: Condition) -> list[Utterance]:
    return [
        replace(one, mulaw=condition.alter(one.mulaw, number)) if one.mulaw else one
        for number, one in enumerate(utterances)
    ]


def _save(stage: Stage, verdict: Verdict) -> str:
    """Write the audio of a failed conversation, and return the file's name; empty if it passed."""
    if verdict.passed or not verdict.turns:
        return ""
    name = (
        f"{verdict.rehearsal.slug}-{verdict.condition.name.replace(' ', '-')}-{verdict.channel}-{verdict.attempt}.wav"
    )
    # In the order in which it was heard: each turn, then its reply.
    sides = (turn.observed.caller_audio + turn.observed.agent_audio for turn in verdict.turns)
    path = stage.work / name
    path.write_bytes(mulaw_wav(b"".join(sides)))
    return str(path)
