"""How pytest-xdist distributes a run among processes, and how the results come together."""

import os
from binascii import crc32
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
from xdist.scheduler import LoadScopeScheduling

ALONE: Final = {
    "integration/test_bench.py": "it measures what a core can do",
    "integration/test_stranger_costs.py": "it measures the processor time and the memory that a client costs",
    "e2e/containers/test_containers_conversations.py": "people talk with containers, which see when a machine is busy",
    "third_party/test_nova_clients.py": "callers interrupt in real time an answer of three seconds",
    "faults/test_faults_soak.py": "twenty callers at a time keep the machine busy as they would in the field",
}
"""Modules below ``tests`` that need the machine to themselves, and why. They run last, in one process."""
BESIDE: Final = {
    "contract/test_capture_recognition.py",
    "e2e/test_captures.py",
    "e2e/test_rehearsals.py",
    "infra/test_deploy_by_hand.py",
    "infra/test_deploy_command.py",
    "infra/test_first_deployment.py",
    "infra/test_checkov.py",
    "infra/test_mutations.py",
}
"""Slow modules that do not notice a slow machine. Another process runs them meanwhile, at a low priority: those of
``ALONE`` leave half of two cores idle.
"""
_LOW_PRIORITY: Final = 10
_AHEAD: Final = 2
"""Tests that a process still has when it gets another module."""
_TOGETHER: Final = {"tests/e2e/browser/": 2, "tests/e2e/containers/": 1}
"""Folders whose modules share a browser, or an engine and its images, and how many processes divide each.

More would start a browser and a product each, and two cores carry no more than two conversations in browsers at a time.
"""
LONG: Final = {
    "unit/agent_core/test_model_renewal.py",
    "unit/agent_core/test_idle.py",
    "unit/fuzzing/test_fuzz.py",
    "integration/test_doctor_live.py",
}
"""Slow modules of a kind that is usually fast: they start first, or the others would wait for them at the end."""


def worker_count(config: pytest.Config) -> int:
    """How many processes run the tests by default; none for a few files, which would wait longer for the start."""
    if all(argument.partition("::")[0].endswith(".py") for argument in config.args):
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # Virtual time skips waits, so cores are the bottleneck. But half of the thorough tests run in real time, and these
    # use a core for less than half of their time: browsers 40 %, spoken calls 35 %, the doctor's probes 9 %.
    return cores + (2 if config.option.markexpr == "thorough" else 1)


class OneModuleAtATime(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Distributes modules, because their tests share what is slow to start; those of ``ALONE`` come last."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:  # noqa: ANN401 - pytest-xdist has no types for it
        super().__init__(config, log)
        # In the order of the collection, slow kinds first. Otherwise slow modules with few tests would come last.
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        if module.removeprefix("tests/") in ALONE:
            return module
        for folder, parts in _TOGETHER.items():
            if module.startswith(folder):
                return f"{folder}{crc32(module.encode()) % parts}"
        return module

    def _reschedule(self, node: Any) -> None:  # noqa: ANN401 - pytest-xdist has no types for it
        if len(self.nodes) == 1 or not self._measurements_are_next():
            super()._reschedule(node)
            return
        # The first process measures, once the others have ended; the second one runs beside it what may run there.
        alone, beside = self.nodes[:2]
        if node is beside:
            self._go_on_beside(node)
        elif node is not alone and not node.shutting_down:
            node.shutdown()
        self._begin_alone(alone, beside)

    def remove_node(self, node: Any) -> str | None:  # noqa: ANN401 - as above
        """Record that a process has ended; the last ones then have the machine to themselves."""
        crashed: str | None = super().remove_node(node)
        if self.nodes and self._measurements_are_next():
            self._begin_alone(*self.nodes[:2])
        return crashed

    def _measurements_are_next(self) -> bool:
        left = set(map(_module_of, self.workqueue))
        return bool(left & ALONE.keys()) and left <= ALONE.keys() | BESIDE

    def _go_on_beside(self, node: Any) -> None:  # noqa: ANN401 - as above
        scope = next((scope for scope in self.workqueue if _module_of(scope) in BESIDE), None)
        if scope is None:
            if not node.shutting_down:
                node.shutdown()
        elif self._pending_of(self.assigned_work[node]) <= _AHEAD:
            self._assign(scope, node)

    def _begin_alone(self, alone: Any, beside: Any = None) -> None:  # noqa: ANN401 - as above
        if not set(self.nodes) <= {alone, beside} or self._pending_of(self.assigned_work[alone]) > _AHEAD:
            return
        running = () if beside is None else self.assigned_work[beside].items()
        if any(_module_of(scope) not in BESIDE and False in tests.values() for scope, tests in running):
            return
        self._assign(next(scope for scope in self.workqueue if _module_of(scope) in ALONE), alone)

    def _assign(self, scope: str, node: Any) -> None:  # noqa: ANN401 - as above
        self.workqueue.move_to_end(scope, last=False)
        self._assign_work_unit(node)


def _module_of(scope: str) -> str:
    return scope.removeprefix("tests/")


def yield_to_others(config: pytest.Config, module: str) -> None:
    """Lower the priority of this process, and of all that it has started, if a module runs beside measurements."""
    shared = is_a_part(config) and os.environ.get("PYTEST_XDIST_WORKER_COUNT") != "1"
    if module in BESIDE and shared and has_measurements(config) and os.getpriority(os.PRIO_PROCESS, 0) < _LOW_PRIORITY:
        for process in [os.getpid(), *_descendants(os.getpid())]:
            for thread in Path(f"/proc/{process}/task").glob("*"):
                with suppress(OSError):
                    os.setpriority(os.PRIO_PROCESS, int(thread.name), _LOW_PRIORITY)


def _descendants(process: int) -> Iterator[int]:
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, children.read_text().split()):
                yield child
                yield from _descendants(child)


def has_measurements(config: pytest.Config) -> bool:
    """Return whether a run includes the thorough tests, which end with measurements."""
    return bool(config.option.markexpr != "not thorough")


def is_a_part(config: pytest.Config) -> bool:
    """Return whether this process runs a part of the tests for the reporting process."""
    return hasattr(config, "workerinput")


def hand_over(config: pytest.Config, name: str, value: object) -> None:
    """Send a value to the reporting process at the end of this one; simple types only."""
    config.workeroutput[name] = value  # type: ignore[attr-defined]  # pytest-xdist's


def handed_over(node: Any, name: str, otherwise: Any) -> Any:  # noqa: ANN401 - pytest-xdist has no types for it
    """Return what a process sent; a crashed one sent nothing."""
    return getattr(node, "workeroutput", {}).get(name, otherwise)
