"""Run ``python -m tests.soak --minutes 60 --callers 20 --faults 5``: exit code 0 if every check passed."""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.run import Plan, soak


def main() -> int:
    """Read the options, run, and print the report."""
    parser = argparse.ArgumentParser(prog="tests.soak", description="Callers, faults and a task that dies, for long.")
    parser.add_argument("--minutes", type=float, default=60, help="how long (default: %(default)s)")
    parser.add_argument("--callers", type=int, default=20, help="calls at once (default: %(default)s)")
    parser.add_argument("--faults", type=float, default=5, help="percent of calls with a fault (default: %(default)s)")
    parser.add_argument("--transport", choices=("sdk", "h2"), default="sdk", help="to the model (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="of the dice; printed, so that it can be given again")
    parser.add_argument("--json", type=Path, default=None, help="where the figures go as JSON")
    parser.add_argument("--logs", type=Path, default=None, help="where logs, timelines and notes are kept")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else time.time_ns() % 1_000_000
    random.seed(seed)
    with tempfile.TemporaryDirectory(prefix="soak-") as passing:
        folder = given.logs or Path(passing)
        folder.mkdir(parents=True, exist_ok=True)
        warm_up = min(240.0, given.minutes * 12)
        plan = Plan(given.minutes, given.callers, given.faults / 100, warm_up, folder, given.transport)
        _say(f"{given.callers} callers for {given.minutes:g} minutes, faults in {given.faults:g} %, seed {seed}")
        _say(f"transport to the model: {given.transport}\n")
        report = asyncio.run(soak(plan, _say))
    sys.stdout.write(f"\n{report}\n")
    if given.json is not None:
        given.json.write_text(json.dumps(report.as_json(), indent=2), encoding="utf-8")
    return 1 if report.failures else 0


def _say(text: str) -> None:
    sys.stdout.write(f"  {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
