"""Logs one JSON line per event. Transcripts are logged at DEBUG only."""

import json
import logging
import sys
import time

log = logging.getLogger("standins.nova")


def note(event: str, level: int = logging.INFO, *, crash: BaseException | None = None, **fields: object) -> None:
    """Log an event by its constant name and its fields, with a traceback of `crash`."""
    if log.isEnabledFor(level):
        log.log(level, event, exc_info=crash, extra={"fields": fields})


class JsonLines(logging.Formatter):
    """Formats records as JSON objects, with the event's name in `event`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line: dict[str, object] = {"at": round(time.time(), 3), "event": record.getMessage(), "standin": "nova"}
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def to_stdout(*, verbose: bool) -> None:
    """Write the log to stdout."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    log.addHandler(handler)
    log.setLevel(logging.DEBUG if verbose else logging.INFO)
    log.propagate = False
