"""One JSON line for each event on standard output: a constant name and fields.

Identifiers and numbers only. A transcript may appear at DEBUG; a secret or a phone number never does.
"""

import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from loguru import logger as pipecat_log

if TYPE_CHECKING:
    from loguru import Message

_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}


def configure(service: str, environment: str, level: str, *, silent: Sequence[str] = ()) -> None:
    """Send everything this process logs to standard output, as JSON lines.

    Args:
        service: Label.
        environment: Label.
        level: Lowest level of ours.
        silent: Modules of Pipecat that call the ordinary a warning, or quote what strangers sent.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_to_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service, environment=environment)
    # Libraries put words of the conversation into their lower levels, so only their warnings are let through.
    logging.basicConfig(level=logging.WARNING, handlers=[_ToStructlog()], force=True)
    pipecat_log.remove()
    for module in silent:
        pipecat_log.disable(module)
    pipecat_log.add(_pipecat_sink, level="WARNING", format="{message}")


def _to_json(event: dict[str, Any], **_: object) -> str:
    return orjson.dumps(event, default=str).decode()


class _ToStructlog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        extra = {"exception": logging.Formatter().formatException(record.exc_info)} if record.exc_info else {}
        structlog.get_logger().log(record.levelno, "library", logger=record.name, text=record.getMessage(), **extra)


def _pipecat_sink(message: "Message") -> None:
    record = message.record
    structlog.get_logger().log(record["level"].no, "library", logger=record["name"], text=record["message"])
