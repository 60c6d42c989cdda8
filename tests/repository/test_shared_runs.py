"""How processes share a run: by module, with measurements last and alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ALONE, BESIDE, LONG, worker_count
from tools.workspace import ROOT

_CONFTEST = """
from tests.support.processes import OneModuleAtATime

def pytest_xdist_make_scheduler(config, log):
    return OneModuleAtATime(config, log)
"""
_MODULE = """
import os, pathlib, time, pytest

LOG = pathlib.Path({log!r})

@pytest.mark.parametrize("number", range(3))
def test_it(number):
    with LOG.open("a") as log:
        log.write(f"begin {name} {{os.environ['PYTEST_XDIST_WORKER']}}\\n")
    time.sleep(0.05)
    with LOG.open("a") as log:
        log.write(f"end {name} {{os.environ['PYTEST_XDIST_WORKER']}}\\n")
"""


@pytest.mark.thorough  # it runs pytest
@pytest.mark.parametrize("processes", [1, 2, 4])
def test_a_module_is_one_process_s_and_what_measures_comes_last_alone(tmp_path: Path, processes: int) -> None:
    """A module runs in one process; beside measurements at most one other runs, with what may run there."""
    log = tmp_path / "log"
    modules = [f"unit/test_{letter}.py" for letter in "abcdefg"] + [*BESIDE, *ALONE]
    for module in modules:
        file = tmp_path / "tests" / module
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_MODULE.format(log=str(log), name=module))
    (tmp_path / "conftest.py").write_text(_CONFTEST)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib"]
    places = ["--rootdir", str(tmp_path), "--basetemp", str(tmp_path / "temporary"), "-n", str(processes)]
    ordered = [*(str(tmp_path / "tests" / module) for module in modules)]
    done = subprocess.run(
        [*command, *places, *ordered], cwd=ROOT, capture_output=True, text=True, check=False, timeout=200
    )
    assert f"{3 * len(modules)} passed" in done.stdout, done.stdout + done.stderr
    lines = [line.split() for line in log.read_text().splitlines()]
    workers = {module: {worker for _, name, worker in lines if name == module} for module in modules}
    assert all(len(found) == 1 for found in workers.values()), workers
    first = next(place for place, (_, name, _) in enumerate(lines) if name in ALONE)
    measured = [line for line in lines[first:] if line[1] in ALONE]
    assert {name for _, name, _ in measured} == set(ALONE)
    assert len({worker for _, _, worker in measured}) == 1
    assert [what for what, _, _ in measured] == ["begin", "end"] * (len(measured) // 2)
    beside = [line for line in lines[first:] if line[1] not in ALONE]
    assert bool(beside) is (processes > 1)
    assert {name for _, name, _ in beside} <= BESIDE
    assert len({worker for _, _, worker in beside} - {measured[0][2]}) <= 1


@pytest.mark.thorough  # it runs pytest
@pytest.mark.parametrize("processes", [0, 2])
def test_a_failure_is_told_at_once(tmp_path: Path, processes: int) -> None:
    """A failure is printed at once, so that a run that hangs later has reported it."""
    (tmp_path / "test_it.py").write_text(
        "import os\ndef test_no():\n    assert 1 == 2\ndef test_end():\n    os.abort()\n"
    )
    (tmp_path / "conftest.py").write_text(
        "from tests.support.failures import FailuresAtOnce\n"
        "def pytest_configure(config):\n"
        "    if not hasattr(config, 'workerinput'):\n"
        "        config.pluginmanager.register(FailuresAtOnce(config))\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib"]
    places = ["--rootdir", str(tmp_path), "-n", str(processes), "--max-worker-restart", "0", str(tmp_path)]
    done = subprocess.run([*command, *places], cwd=ROOT, capture_output=True, text=True, check=False, timeout=200)
    assert "\ntest_it.py::test_no failed (call): assert 1 == 2" in done.stdout, done.stdout + done.stderr


def test_what_has_a_turn_of_its_own_is_there() -> None:
    """The modules with a separate turn exist, because a renamed one would run beside others."""
    assert [module for module in (*ALONE, *BESIDE, *LONG) if not (ROOT / "tests" / module).is_file()] == []


@pytest.mark.parametrize(
    ("arguments", "marks", "more"),
    [
        ([], "not thorough", 1),
        (["tests/unit"], "", 1),
        ([], "thorough", 2),
        (["tests/a.py::test_b"], "thorough", None),
    ],
)
def test_a_few_files_are_not_shared(
    pytestconfig: pytest.Config,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    marks: str,
    more: int | None,
) -> None:
    """A run of a few files is not shared: its tests would end before the processes start. Thorough tests wait more."""
    monkeypatch.setattr(pytestconfig, "args", arguments or ["tests"])
    monkeypatch.setattr(pytestconfig.option, "markexpr", marks)
    assert worker_count(pytestconfig) == (0 if more is None else len(os.sched_getaffinity(0)) + more)
