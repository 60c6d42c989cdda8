"""Callers and visitors give an address and a number, by voice, in writing and by keypad, over both channels."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.workspace import ROOT

pytestmark = pytest.mark.thorough


def test_values_are_captured_on_the_phone_and_on_the_web(tmp_path: Path) -> None:
    """The stand-in hears them at 8 kHz, the runtime reads them back, and the tool is called with the handle."""
    folder = ROOT / "tests/fixtures/capturing/club"
    # Two at a time: spelled addresses are hard enough to hear without eight recognisers on one machine.
    command = [sys.executable, "-m", "voice_agent", "rehearse", str(folder), "--over", "both", "--at-once", "2"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "wire 5 of 5, model 5 of 5" in done.stdout
