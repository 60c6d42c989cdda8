"""Write one line per event to standard output, with a constant name and fields: JSON, or readable columns.

Identifiers and numbers only. A transcript may appear at DEBUG; a secret or a phone number never does.
"""

import logging
import sys
import threading
import traceback
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from loguru import logger as pipecat_log
from structlog.typing import Processor

from agent_core.observability.nonblocking_stdout import output
from agent_core.settings import CoreSettings, LogFormat

if TYPE_CHECKING:
    from loguru import Message

_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}


def configure(service: str, settings: CoreSettings, *, silent: Sequence[str] = ()) -> None:
    """Send everything this process logs to standard output.

    Args:
        service: Label.
        settings: Level, format and environment.
        silent: Modules of Pipecat that log normal events as warnings, or quote untrusted text.
    """
    as_json = is_json(settings.log_format)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            *(_for_machines() if as_json else _for_people()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[settings.log_level]),
        logger_factory=structlog.PrintLoggerFactory(output(sys.stdout)),
        cache_logger_on_first_use=True,
    )
    if as_json:
        # A person at a terminal knows which service it is.
        structlog.contextvars.bind_contextvars(service=service, environment=settings.environment.value)
    # Libraries log words of the conversation at lower levels, so only their warnings pass.
    logging.basicConfig(level=logging.WARNING, handlers=[_ToStructlog()], force=True)
    pipecat_log.remove()
    for module in silent:
        pipecat_log.disable(module)
    pipecat_log.add(_pipecat_sink, level="WARNING", format="{message}")
    # The AWS SDK's runtime reports exceptions of its callbacks this way, on threads of its own.
    sys.excepthook = _note_uncaught
    sys.unraisablehook = lambda found: _note_uncaught(found.exc_type, found.exc_value, found.exc_traceback)
    threading.excepthook = lambda found: _note_uncaught(found.exc_type, found.exc_value, found.exc_traceback)
    for name, setting in settings.misspelt():
        structlog.get_logger().warning("variable_ignored", variable=name, meant=setting)
    for name, setting in settings.renamed():
        structlog.get_logger().warning("setting_renamed", variable=name, now=setting)


def is_json(chosen: LogFormat) -> bool:
    """Return whether lines are JSON: in AUTO, unless standard output is a terminal."""
    return chosen is LogFormat.JSON or (chosen is LogFormat.AUTO and not sys.stdout.isatty())


def write_document(document: dict[str, Any]) -> None:
    """Write a separate document among the lines, such as one of metrics."""
    structlog.PrintLogger(output(sys.stdout)).msg(_to_json(document))


def _for_machines() -> list[Processor]:
    return [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(serializer=_to_json),
    ]


def _for_people() -> list[Processor]:
    return [
        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
        structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), sort_keys=False, pad_event_to=24),
    ]


def _to_json(event: dict[str, Any], **_: object) -> str:
    return orjson.dumps(event, default=str).decode()


class _ToStructlog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        # The traceback as one field, because a line of the log is one event.
        extra = {"exception": logging.Formatter().formatException(record.exc_info)} if record.exc_info else {}
        structlog.get_logger().log(record.levelno, "library", logger=record.name, text=record.getMessage(), **extra)


def _note_uncaught(kind: type[BaseException], error: BaseException | None, stack: TracebackType | None = None) -> None:
    """Log an uncaught exception as one line instead of a trace of many on standard error."""
    # A deliberate exit is not an error.
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        sys.__excepthook__(kind, error or kind(), stack)
        return
    # Log the stack only: a message may quote what was said.
    where = "".join(traceback.format_tb(stack))
    # A cancelled stream: the AWS SDK's runtime delivers its connection to a cancelled future.
    level = logging.WARNING if kind.__name__ == "InvalidStateError" and "/awscrt/" in where else logging.ERROR
    structlog.get_logger().log(level, "uncaught", error=kind.__name__, stack=where)


def _pipecat_sink(message: "Message") -> None:
    record = message.record
    structlog.get_logger().log(record["level"].no, "library", logger=record["name"], text=record["message"])
