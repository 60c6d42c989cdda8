"""What all streams of a server share."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from standins.nova.brain import Brain
from standins.nova.clock import Clock
from standins.nova.faults import FaultPlan
from standins.nova.limits import Limits
from standins.nova.models import ALL
from standins.nova.pace import Pace
from standins.nova.records import Ledger


@dataclass(slots=True)
class House:
    """One server's brain, rules, clock and books. A stream takes the rules that are in force when it opens."""

    brain: Brain
    secrets: Mapping[str, str] | None
    """Secret access key by access key id; None takes any credentials."""
    limits: Limits
    pace: Pace
    clock: Clock
    ledger: Ledger = field(default_factory=Ledger)
    faults: FaultPlan = field(default_factory=FaultPlan)
    keep_sound: bool = False
    models: Collection[str] = ALL
    """Identifiers of the models that the region offers."""
    retired: Collection[str] = ()
    """Identifiers of models that have reached the end of their life."""
