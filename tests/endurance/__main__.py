"""Run ``python -m tests.endurance --minutes 10 --visitors 10``: exit code 0 if every check passed."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.endurance.run import endure


def main() -> int:
    """Read the options, run, and print the report."""
    parser = argparse.ArgumentParser(prog="tests.endurance", description="Visitors next to an abusive one, for long.")
    parser.add_argument("--minutes", type=float, default=17, help="how long (default: %(default)s)")
    parser.add_argument("--visitors", type=int, default=10, help="who talk (default: %(default)s)")
    parser.add_argument("--logs", type=Path, default=None, help="where the service's log is kept")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="endurance-") as passing:
        folder = given.logs or Path(passing)
        folder.mkdir(parents=True, exist_ok=True)
        report = asyncio.run(endure(given.minutes, given.visitors, folder, _say))
    sys.stdout.write(f"\n{report}\n")
    return 1 if report.failures else 0


def _say(text: str) -> None:
    sys.stdout.write(f"  {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
