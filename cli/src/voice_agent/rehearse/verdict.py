"""The verdict on each turn of a rehearsed conversation, by the condition under which it was held."""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from voice_agent.rehearse.compare import Miss, compare, compare_whole
from voice_agent.rehearse.conditions import QUIET, STOP_SECONDS, Condition
from voice_agent.rehearse.observed import Observed, ObservedTurn
from voice_agent.rehearse.rehearsals import NO_TOOL, Expectation, Rehearsal, Turn

_BUILT_IN: Final = ("end_call", "transfer_to_human", "capture")
"""Tools of the runtime, which no folder can make slow."""


@dataclass(frozen=True)
class TurnVerdict:
    """One turn, what happened, and what was not as expected."""

    turn: Turn
    observed: ObservedTurn
    misses: tuple[Miss, ...]


@dataclass
class Verdict:
    """One conversation."""

    rehearsal: Rehearsal
    observed: Observed
    condition: Condition = QUIET
    channel: str = "phone"
    turns: list[TurnVerdict] = field(default_factory=list)
    misses: list[Miss] = field(default_factory=list)
    """What is wrong with the conversation as a whole."""
    attempt: int = 1
    audio: str = ""
    """The file with the audio of both sides; empty if none was written."""

    @property
    def all_misses(self) -> list[Miss]:
        """Every miss: of the turns, then of the whole."""
        return [*(miss for turn in self.turns for miss in turn.misses), *self.misses]

    @property
    def wire_ok(self) -> bool:
        """Whether the wire held."""
        return not any(miss.kind == "wire" for miss in self.all_misses)

    @property
    def model_ok(self) -> bool:
        """Whether the model did what the rehearsal expects."""
        return not any(miss.kind == "model" for miss in self.all_misses)

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.all_misses


def judge(  # noqa: PLR0913 - a conversation, and how it was held
    rehearsal: Rehearsal,
    observed: Observed,
    *,
    today: date,
    condition: Condition = QUIET,
    channel: str = "phone",
    attempt: int = 1,
) -> Verdict:
    """Return the verdict on a conversation.

    Args:
        rehearsal: What was said and is expected.
        observed: What happened; turns that were never reached are missing at its end.
        today: The day on which it was held.
        condition: Under which it was held.
        channel: `phone` or `web`.
        attempt: Which of several attempts this is, counted from 1.
    """
    verdict = Verdict(rehearsal, observed, condition, channel, attempt=attempt)
    verdict.misses = [*compare_whole(observed, killed=condition.kills)]
    if condition.silence and not observed.asked_in_silence and not observed.failure:
        verdict.misses.append(Miss("wire", "silence", "the agent did not ask whether the caller is still there"))
    broken = False
    for index, turn in enumerate(rehearsal.turns):
        if index >= len(observed.turns):
            # The reason is a miss of the whole conversation, or of the turn before.
            verdict.turns.append(
                TurnVerdict(turn, ObservedTurn(), (Miss("wire", "reached", "the turn was not reached"),))
            )
            continue
        seen, last = observed.turns[index], index == len(rehearsal.turns) - 1
        expect = _expected(turn.expect, condition, broken=broken, last=last)
        misses = compare(expect, seen, observed, last=last, today=today)
        verdict.turns.append(TurnVerdict(turn, seen, (*misses, *_of_condition(turn, seen, condition, last=last))))
        # After a tool that did not work, the agent may ask for anything.
        broken = broken or (condition.tool == "dead" and _uses_own_tool(turn))
    return verdict


def _expected(expect: Expectation, condition: Condition, *, broken: bool, last: bool) -> Expectation:
    """Return what remains to be expected under a condition."""
    if broken:
        return Expectation(transfer=expect.transfer, ends=expect.ends)
    if condition.tool == "dead" and expect.tool not in ("", NO_TOOL, *_BUILT_IN):
        # A tool that fails leads to no other stage, so the tools of that one are not called.
        if expect.before:
            return Expectation(tool=expect.before[0], hears=expect.hears)
        return Expectation(tool=expect.tool, arguments=expect.arguments, hears=expect.hears)
    says = () if condition.barge_in is not None and not last else expect.says
    # Only an undisturbed conversation says how long a reply takes.
    within = expect.within if condition is QUIET else None
    return replace(expect, says=says, within=within)


def _of_condition(turn: Turn, seen: ObservedTurn, condition: Condition, *, last: bool) -> list[Miss]:
    if condition.barge_in is not None and not last and seen.stopped is not None and seen.stopped > STOP_SECONDS:
        text = f"the agent continued for {seen.stopped:.1f} s after the caller began to speak"
        return [Miss("wire", "barge-in", text)]
    # A built-in tool, and a turn without one, cannot be slow.
    if condition.tool == "slow" and _uses_own_tool(turn) and seen.tools and not seen.covered:
        return [Miss("wire", "hold", "the caller heard nothing while the tool worked")]
    return []


def _uses_own_tool(turn: Turn) -> bool:
    return turn.expect.tool not in ("", NO_TOOL, *_BUILT_IN)
