"""Fuzz from the command line: a million inputs for every entry point, or as many as RUNS says."""

import argparse
import logging
import sys

import structlog
from loguru import logger as pipecat_log

from tests.fuzzing.campaign import Campaign
from tests.fuzzing.targets import TARGETS

_MILLION = 1_000_000


def main() -> int:
    """Run the campaigns; return 1 if a target fails."""
    options = _options()
    # Most of the time would go into logging errors of clients.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    pipecat_log.remove()
    faults = 0
    for name in options.target or TARGETS:
        target = TARGETS[name]()
        runs = max(1, round(options.runs * target.share))
        report = Campaign(target, runs=runs, seed=options.seed, tell=_tell).run()
        target.close()
        print(report, flush=True)  # noqa: T201 - output for a person
        for fault in report.faults:
            print(f"  {fault}", flush=True)  # noqa: T201 - output for a person
        faults += len(report.faults)
    return 1 if faults else 0


def _tell(progress: str) -> None:
    print(f"\r\033[K{progress}" if sys.stderr.isatty() else progress, end="", file=sys.stderr, flush=True)  # noqa: T201
    if not sys.stderr.isatty():
        print(file=sys.stderr, flush=True)  # noqa: T201


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("target", nargs="*", choices=[*TARGETS, []], help="which ways in; all by default")
    parser.add_argument("--runs", type=int, default=_MILLION, help="inputs for each")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other inputs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
