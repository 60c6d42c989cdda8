"""Write end records."""

from dataclasses import asdict
from typing import Protocol

import structlog

from agent_core.events import CallDetailRecord

log = structlog.get_logger()


class RecordSink(Protocol):
    """Receives one record per conversation; never raises, never blocks."""

    def __call__(self, record: CallDetailRecord) -> None:
        """Write the record."""


def log_record(record: CallDetailRecord) -> None:
    """Write the record as one line of the log."""
    fields = asdict(record)
    # Flattened, so that log queries can filter on each count.
    stats = fields.pop("stats")
    log.info("session_ended", **fields, **stats)
