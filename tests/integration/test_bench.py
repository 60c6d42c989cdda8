"""A short run of the whole benchmark."""

import json
import os
import sys
from pathlib import Path

import pytest
import yaml

from tools.workspace import ROOT
from voice_agent.bench.meter import Cores
from voice_agent.bench.start_up import FEW, MANY, measure_starts
from voice_agent.command_line import main

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the bench reads a process's CPU from /proc")


@pytest.mark.timeout(120)
def test_both_agents_hold_two_calls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The benchmark answers every call and receives every marker, at any machine speed, and measures starts."""
    cores = os.sched_getaffinity(0)
    report = tmp_path / "bench.json"
    try:
        code = main(["bench", "--calls", "2", "--rounds", "1", "--seconds", "3", "--json", str(report)])
    finally:
        os.sched_setaffinity(0, cores)
    out, err = capsys.readouterr()
    assert code == 0, err
    assert "CPU s per call-minute" in out
    assert "1 folder" in out
    assert [start["folders"] for start in json.loads(report.read_text())["starts"]] == [10, 1]
    trials = {trial["agent"]: trial for trial in json.loads(report.read_text())["trials"]}
    assert set(trials) == {"stock", "ours"}
    for trial in trials.values():
        assert trial["valid"]
        assert trial["cpu_seconds"] > 0
        assert len(trial["first_audio"]) == len(trial["webhook"]) == 2
        assert trial["to_model"]
        assert trial["from_model"]


@pytest.mark.timeout(120)
def test_both_agents_hold_two_visits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Visits in Opus over WebRTC: every marker crosses both agents, and every barge-in silences them."""
    cores = os.sched_getaffinity(0)
    report = tmp_path / "bench.json"
    try:
        code = main(["bench", "--web", "--calls", "2", "--rounds", "1", "--seconds", "6", "--json", str(report)])
    finally:
        os.sched_setaffinity(0, cores)
    out, err = capsys.readouterr()
    assert code == 0, err
    assert "CPU s per visit-minute" in out
    trials = {trial["agent"]: trial for trial in json.loads(report.read_text())["trials"]}
    assert set(trials) == {"stock", "ours"}
    for trial in trials.values():
        assert trial["valid"]
        assert len(trial["first_audio"]) == len(trial["webhook"]) == 2
        assert trial["to_model"]
        assert trial["from_model"]
    # The reference resamples both ways; ours is at the model's rates from end to end.
    ours, stock = (sorted(trials[name]["to_model"]) for name in ("ours", "stock"))
    assert ours[len(ours) // 2] < stock[len(stock) // 2]


@pytest.mark.timeout(120)
async def test_the_agent_starts_with_one_folder_and_with_ten(tmp_path: Path) -> None:
    """Both start, in turn, and every folder is one more agent with a number of its own."""
    found = await measure_starts(ROOT / "agents", tmp_path, Cores(frozenset(), frozenset()), 1)
    assert found.trouble == ""
    assert [one.folders for one in found.starts] == [MANY, FEW]
    assert all(one.cpu_seconds > 0 and one.rss_bytes > 0 for one in found.starts)
    log = (tmp_path / "start-up.log").read_text()
    assert "agent_disabled" not in log
    files = [yaml.safe_load(path.read_text()) for path in (tmp_path / f"agents-{MANY}").glob("*/agent.yaml")]
    assert len({file["numbers"][0] for file in files}) == MANY
    assert sum(file["page"].get("path") == "/" for file in files) == 1


async def test_a_folder_without_agents_is_reported(tmp_path: Path) -> None:
    """The figures are invalid, with the reason."""
    found = await measure_starts(tmp_path, tmp_path, Cores(frozenset(), frozenset()), 1)
    assert "has no folder with an agent.yaml" in found.trouble
