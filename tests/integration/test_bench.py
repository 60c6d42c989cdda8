"""A short run of the whole benchmark."""

import json
import os
import sys
from pathlib import Path

import pytest

from voice_agent.command_line import main

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the bench reads a process's CPU from /proc")


@pytest.mark.timeout(120)
def test_both_agents_hold_two_calls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The benchmark answers every call and receives every marker, at any machine speed."""
    cores = os.sched_getaffinity(0)
    report = tmp_path / "bench.json"
    try:
        code = main(["bench", "--calls", "2", "--rounds", "1", "--seconds", "3", "--json", str(report)])
    finally:
        os.sched_setaffinity(0, cores)
    out, err = capsys.readouterr()
    assert code == 0, err
    assert "CPU s per call-minute" in out
    trials = {trial["agent"]: trial for trial in json.loads(report.read_text())["trials"]}
    assert set(trials) == {"stock", "ours"}
    for trial in trials.values():
        assert trial["valid"]
        assert trial["cpu_seconds"] > 0
        assert len(trial["first_audio"]) == len(trial["webhook"]) == 2
        assert trial["to_model"]
        assert trial["from_model"]
