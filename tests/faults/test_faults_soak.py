"""All faults at once: callers, faults and a task that dies. `make soak` does this for an hour."""

import json
import random
from pathlib import Path

import pytest

from tests.soak.run import Plan, soak

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]


async def test_fault_40_a_minute_of_it(tmp_path: Path) -> None:
    """Every call without a fault ends well, every ledger balances, and faults of many kinds did occur."""
    random.seed(40)
    said: list[str] = []
    report = await soak(Plan(1.0, 8, 0.2, 20.0, tmp_path), said.append)
    print(f"\n{report}")  # noqa: T201 - the figures are the purpose of the run
    assert report.failures == []
    assert json.loads(json.dumps(report.as_json()))["calls"] == report.calls
    assert report.clean_calls >= 10
    assert report.struck["task_killed"] == 1
    assert sum(report.struck.values()) >= 5
    assert len(report.struck) >= 4
    kept = [json.loads(line) for line in (tmp_path / "timelines.jsonl").read_text().splitlines()]
    assert len(kept) == report.calls
    assert all(call["events"][0]["event"] == "ring" for call in kept)
