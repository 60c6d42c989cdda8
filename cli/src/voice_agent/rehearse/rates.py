"""Figures over several conversations: how often the wire held, how often the model did what is expected."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from voice_agent.rehearse.verdict import Verdict


@dataclass(frozen=True)
class Rate:
    """The conversations of one condition."""

    condition: str
    outcome: str
    held: int
    wire: int
    """Conversations in which the wire held."""
    model: int
    """Conversations in which the model did what the rehearsal expects."""
    median: float | None
    """Seconds from the caller's words to the reply; None if there was no reply."""


def rates(verdicts: Sequence[Verdict]) -> list[Rate]:
    """Return the figures of each condition, in the order in which they occur."""
    made = []
    for name in dict.fromkeys(verdict.condition.name for verdict in verdicts):
        held = [verdict for verdict in verdicts if verdict.condition.name == name]
        # Turns without a reply have no wait; they count as misses of the wire.
        waits = [turn.observed.wait for one in held for turn in one.turns if turn.observed.wait is not None]
        made.append(
            Rate(
                condition=name,
                outcome=held[0].condition.outcome,
                held=len(held),
                wire=sum(one.wire_ok for one in held),
                model=sum(one.model_ok for one in held),
                median=median(waits) if waits else None,
            )
        )
    return made
