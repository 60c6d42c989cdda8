"""Where end records go."""

from dataclasses import asdict
from typing import Protocol

import structlog

from agent_core.events import CallDetailRecord

log = structlog.get_logger()


class RecordSink(Protocol):
    """Takes one record for each conversation; never raises, never waits."""

    def __call__(self, record: CallDetailRecord) -> None:
        """Keep the record."""


def log_record(record: CallDetailRecord) -> None:
    """Keep the record as one line of the log."""
    fields = asdict(record)
    stats = fields.pop("tally")
    log.info("session_ended", **fields, **stats)
