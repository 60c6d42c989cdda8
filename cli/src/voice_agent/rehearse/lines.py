"""The lines on a terminal: one for each turn, and one for each figure."""

from collections.abc import Iterator, Sequence

from voice_agent.rehearse.rates import rates
from voice_agent.rehearse.verdict import Verdict

_GOOD, _BAD = "green", "red"
type Row = tuple[str, str]
"""A text, and its style."""


def conversation(verdict: Verdict) -> Iterator[Row]:
    """Yield the lines of one conversation: its name, and its turns with what failed and how long the reply took."""
    under = [verdict.condition.name] if verdict.condition.name != "quiet" else []
    attempt = [f"attempt {verdict.attempt}"] if verdict.attempt > 1 else []
    about = ", ".join((verdict.channel, *under, *attempt))
    yield f"{verdict.rehearsal.name} ({about})", "bold"
    at = verdict.turns[0].observed.stage if verdict.turns else ""
    for turn in verdict.turns:
        tools = ", ".join(use.name for use in turn.observed.tools)
        wait = "" if turn.observed.wait is None else f"{turn.observed.wait:.1f} s"
        stage = f"→ {turn.observed.stage}" if turn.observed.stage != at else ""
        at = turn.observed.stage
        facts = "  ".join(filter(None, (turn.turn.label, tools, stage, wait)))
        yield f"  {'✗' if turn.misses else '✓'} {facts}", _BAD if turn.misses else _GOOD
        for miss in turn.misses:
            yield f"      {miss.kind} {miss}", _BAD
        # A wrong tool often follows from a wrong transcript.
        if turn.misses and turn.observed.heard:
            yield f"      the agent understood “{turn.observed.heard}”", _BAD
    for miss in verdict.misses:
        yield f"  ✗ {miss.kind} {miss}", _BAD


def summary(verdicts: Sequence[Verdict]) -> Iterator[Row]:
    """Yield a line for each condition, then one for each failed turn with the file of its audio."""
    for rate in rates(verdicts):
        good = rate.wire == rate.model == rate.held
        wait = "" if rate.median is None else f", median wait {rate.median:.1f} s"
        counts = f"wire {rate.wire} of {rate.held}, model {rate.model} of {rate.held}"
        yield f"{rate.condition:12} {counts}{wait}", _GOOD if good else _BAD
    for verdict in verdicts:
        yield from ((text, _BAD) for text in _failures(verdict))


def _failures(verdict: Verdict) -> Iterator[str]:
    for miss in verdict.misses:
        yield _failed(verdict, "call", str(miss))
    for number, turn in enumerate(verdict.turns, start=1):
        for miss in turn.misses:
            yield _failed(verdict, f"turn {number}", str(miss))
            # A lost call has one cause, and each later turn follows from it.
            if miss.expectation == "reached":
                return


def _failed(verdict: Verdict, where: str, miss: str) -> str:
    under = "" if verdict.condition.name == "quiet" else f" ({verdict.condition.name})"
    # Where words are misheard, the rate decides and not the single conversation.
    what = "MISSED" if verdict.condition.misheard and verdict.wire_ok else "FAILED"
    return f"{what} {verdict.rehearsal.name}{under}, {where}, {miss}; audio: {verdict.audio or 'none'}"
