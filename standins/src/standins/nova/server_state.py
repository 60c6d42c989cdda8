"""State that all streams of a server share."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from standins.nova.backend import Backend
from standins.nova.clock import Clock
from standins.nova.faults import FaultPlan
from standins.nova.models import ALL
from standins.nova.pace import Pace
from standins.nova.service_limits import ServiceLimits
from standins.nova.session_records import SessionLedger


@dataclass(slots=True)
class ServerState:
    """One server's brain, limits, clock and records. A stream uses the limits that apply when it opens."""

    backend: Backend
    secrets: Mapping[str, str] | None
    """Secret access key by access key ID; None accepts any credentials."""
    limits: ServiceLimits
    pace: Pace
    clock: Clock
    ledger: SessionLedger = field(default_factory=SessionLedger)
    faults: FaultPlan = field(default_factory=FaultPlan)
    keep_sound: bool = False
    models: Collection[str] = ALL
    """IDs of the models that the region offers."""
    retired: Collection[str] = ()
    """IDs of models that have reached the end of their life."""
