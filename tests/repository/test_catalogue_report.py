"""A run that must cover every catalogue number fails if one is missing, in one process and in two."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.workspace import ROOT

pytestmark = pytest.mark.thorough  # each of them runs pytest

_PLUGIN = """
from tests.support.catalogue import Catalogue, Entry
from tests.support.catalogue_report import CatalogueReport
from tests.support.processes import OneModuleAtATime, is_a_part

CATALOGUE = Catalogue("fault", (Entry(1, "it rains"), Entry(2, "it pours")))

def pytest_configure(config):
    config.pluginmanager.register(CatalogueReport(CATALOGUE, whole=not is_a_part(config)))

def pytest_xdist_make_scheduler(config):
    return OneModuleAtATime(config)
"""
_QUICK = """
import os, pathlib

def test_fault_01_quick():
    pathlib.Path({place!r}, os.environ.get("PYTEST_XDIST_WORKER", "alone")).touch()
"""
_SLOW = """
import os, pathlib, pytest

@pytest.mark.parametrize("number", range(3))
def test_fault_02_slow(number):
    pathlib.Path({place!r}, os.environ.get("PYTEST_XDIST_WORKER", "alone")).touch()
    assert {holds} or number < 2
"""


def _run(folder: Path, options: list[str], *, holds: bool = True) -> subprocess.CompletedProcess[str]:
    quick, slow = (folder / "tests" / name for name in ("unit/test_quick.py", "faults/test_slow.py"))
    for file, source, place in ((quick, _QUICK, folder / "quick"), (slow, _SLOW, folder / "slow")):
        file.parent.mkdir(parents=True)
        place.mkdir()
        file.write_text(source.format(place=str(place), holds=holds))
    (folder / "conftest.py").write_text(_PLUGIN)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib"]
    places = ["--rootdir", str(folder), "--basetemp", str(folder / "temporary"), str(folder)]
    return subprocess.run(
        [*command, *places, *options], cwd=ROOT, capture_output=True, text=True, check=False, timeout=200
    )


@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["alone", "two processes"])
def test_a_run_that_holds_every_number_passes(tmp_path: Path, options: list[str]) -> None:
    """A run that covers every number passes: each test counts once, in the process of its module."""
    done = _run(tmp_path, options)
    assert "F1   it rains                                         1 passed" in done.stdout, done.stdout + done.stderr
    assert "F2   it pours                                         3 passed" in done.stdout
    assert "2 of 2 faults are held in this run" in done.stdout
    assert done.returncode == 0
    quick, slow = ({file.name for file in (tmp_path / place).iterdir()} for place in ("quick", "slow"))
    assert (len(quick), len(slow)) == (1, 1)
    assert (quick != slow) is bool(options)


@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["alone", "two processes"])
def test_a_run_that_misses_a_number_fails(tmp_path: Path, options: list[str]) -> None:
    """A run that misses a number fails, although all of its tests pass."""
    done = _run(tmp_path, [*options, "-k", "fault_01"])
    assert "F2   it pours                                         not run" in done.stdout, done.stdout + done.stderr
    assert "1 of 2 faults are held in this run" in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["alone", "two processes"])
def test_a_number_of_which_one_test_fails_is_not_held(tmp_path: Path, options: list[str]) -> None:
    """A number with one failing test is not covered, although its other tests pass."""
    done = _run(tmp_path, options, holds=False)
    assert "F2   it pours                                         1 failed, 2 passed" in done.stdout, done.stdout
    assert "1 of 2 faults are held in this run" in done.stdout
    assert done.returncode == 1
