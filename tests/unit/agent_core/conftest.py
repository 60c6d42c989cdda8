"""Fixtures that the library's tests share."""

import logging
import sys
import threading
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """Undo what a service's start changes in the logging."""
    handlers, level = logging.root.handlers[:], logging.root.level
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
    yield
    sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.root.handlers[:], logging.root.level = handlers, level
