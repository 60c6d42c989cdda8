"""Log lines are JSON for machines, with metrics among them, and columns for a person at a terminal."""

import io
import json
import logging
import sys
import threading
from concurrent.futures import Future, InvalidStateError
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from agent_core.observability import logs
from agent_core.settings import CoreSettings, LogFormat


class Screen(io.StringIO):
    """Standard output that claims to be a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


pytestmark = pytest.mark.usefixtures("logging_as_before")


def _logged(monkeypatch: pytest.MonkeyPatch, output: io.StringIO, chosen: LogFormat) -> str:
    monkeypatch.setattr("sys.stdout", output)
    logs.configure("phone-agent", CoreSettings(log_format=chosen))
    structlog.get_logger().info("call_answered", call_sid="CA1")
    structlog.get_logger().debug("not_at_info")
    return output.getvalue()


@pytest.mark.parametrize("chosen", [LogFormat.AUTO, LogFormat.JSON])
def test_a_file_or_a_pipe_gets_json(monkeypatch: pytest.MonkeyPatch, chosen: LogFormat) -> None:
    """A file or a pipe gets one JSON object per line, with the common fields."""
    (line,) = _logged(monkeypatch, io.StringIO(), chosen).splitlines()
    fields = json.loads(line)
    assert fields.pop("timestamp").endswith("Z")
    assert fields == {
        "event": "call_answered",
        "level": "info",
        "service": "phone-agent",
        "environment": "local",
        "call_sid": "CA1",
    }


def test_a_terminal_gets_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a terminal, lines are short and omit what is the same in every line."""
    (line,) = _logged(monkeypatch, Screen(), LogFormat.AUTO).splitlines()
    assert "call_answered" in line
    assert "{" not in line
    assert "environment" not in line


def test_either_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting overrides the choice: JSON at a terminal, or columns in a file."""
    assert json.loads(_logged(monkeypatch, Screen(), LogFormat.JSON))["call_sid"] == "CA1"
    assert "{" not in _logged(monkeypatch, io.StringIO(), LogFormat.TEXT)


def test_a_library_that_logs_is_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library's warning is an event like the product's; CloudWatch must never receive half an object."""
    output = io.StringIO()
    _logged(monkeypatch, output, LogFormat.JSON)
    logging.getLogger("somebody").warning("two\nlines")
    event = json.loads(output.getvalue().splitlines()[-1])
    assert (event["event"], event["logger"], event["text"]) == ("library", "somebody", "two\nlines")


@pytest.mark.parametrize("hook", ["excepthook", "unraisablehook", "thread"])
def test_what_nobody_catches_is_one_line(monkeypatch: pytest.MonkeyPatch, hook: str) -> None:
    """An uncaught error of a callback or a thread is one event with the stack, without the message, which may quote."""
    output = io.StringIO()
    _logged(monkeypatch, output, LogFormat.JSON)
    words = "words of a caller"
    try:
        int(words)
    except ValueError as error:
        kind, stack = type(error), error.__traceback__
        found: Any = SimpleNamespace(exc_type=kind, exc_value=error, exc_traceback=stack)
        if hook == "excepthook":
            sys.excepthook(kind, error, stack)
        elif hook == "thread":
            threading.excepthook(found)
        else:
            sys.unraisablehook(found)
    (line,) = output.getvalue().splitlines()[1:]
    assert words not in line
    event = json.loads(line)
    assert (event["event"], event["level"], event["error"]) == ("uncaught", "error", "ValueError")
    assert "test_logs.py" in event["stack"]


@pytest.mark.parametrize(("file", "level"), [("/lib/awscrt/http.py", "warning"), ("/lib/other.py", "error")])
def test_a_stream_that_is_given_up_while_it_opens_is_no_error(
    monkeypatch: pytest.MonkeyPatch, file: str, level: str
) -> None:
    """The AWS SDK's runtime fails on the cancelled future, in a thread without a conversation."""
    output = io.StringIO()
    _logged(monkeypatch, output, LogFormat.JSON)
    try:
        exec(compile("done.set_result(None)", file, "exec"), {"done": _cancelled()})  # noqa: S102 - a frame of that file
    except InvalidStateError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    (line,) = output.getvalue().splitlines()[1:]
    assert (json.loads(line)["event"], json.loads(line)["level"]) == ("uncaught", level)


def _cancelled() -> Future[None]:
    future: Future[None] = Future()
    future.cancel()
    future.set_running_or_notify_cancel()
    return future
