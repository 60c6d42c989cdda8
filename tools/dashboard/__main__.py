"""Draw the dashboard: ``python -m tools.dashboard --out dashboard.png``, from sample data or a real run's logs.

Pass logs to draw their metrics: ``python -m tools.dashboard .run/phone-agent.jsonl .run/webrtc-agent.jsonl``.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tools.dashboard import board, sample_data
from tools.dashboard.metric_series import MetricSeries
from tools.dashboard.picture import draw


def main() -> int:
    """Draw the image, and print its path."""
    parser = argparse.ArgumentParser(prog="python -m tools.dashboard", description=__doc__)
    parser.add_argument("logs", nargs="*", type=Path, help="logs with metrics (default: sample data)")
    parser.add_argument("--out", type=Path, default=Path("dashboard.png"), help="default: %(default)s")
    options = parser.parse_args()
    numbers = MetricSeries()
    for document in emitted(options.logs) if options.logs else sample_data.documents():
        numbers.take(document)
    remark = "from " + (
        ", ".join(log.name for log in options.logs) or "sample data, recorded by the product's own code"
    )
    draw(board.read(), numbers, options.out, remark)
    print(options.out)
    return 0


def emitted(logs: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Yield the metric lines of logs."""
    for log in logs:
        with log.open(encoding="utf-8") as lines:
            for line in lines:
                # Cheaper than parsing every line of a log.
                if '"_aws"' in line:
                    yield json.loads(line)


if __name__ == "__main__":
    sys.exit(main())
