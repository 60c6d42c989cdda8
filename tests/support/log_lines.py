"""Read the log of a running service."""

import json
from pathlib import Path
from typing import Any


def log_lines(log: Path) -> list[dict[str, Any]]:
    """Return the events of a log so far, without a line that is still being written, and without plain text."""
    written, _, _ = log.read_text(encoding="utf-8").rpartition("\n")
    return [json.loads(line) for line in written.split("\n") if line.startswith("{")]
