"""How pytest-xdist distributes a run among processes, and how the results come together."""

import os
from binascii import crc32
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
_TOGETHER: Final = {"tests/e2e/browser/": 2, "tests/e2e/containers/": 1}
"""Folders whose modules share a browser, or an engine and its images, and how many processes divide each.

More would start a browser and a product each, and two cores carry no more than two conversations in browsers at a time.
"""
LONG: Final = {
    "unit/agent_core/test_model_renewal.py",
    "unit/agent_core/test_idle.py",
    "unit/fuzzing/test_fuzz.py",
    "infra/test_deploy_command.py",
    "infra/test_deploy_by_hand.py",
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
        if not self._only_alone_is_left() or len(self.nodes) == 1:
            super()._reschedule(node)
        elif node is not self.nodes[0] and not node.shutting_down:
            node.shutdown()  # the first one waits until all others have ended, see below

    def remove_node(self, node: Any) -> str | None:  # noqa: ANN401 - as above
        """Record that a process has ended; the last one then has the machine to itself."""
        crashed: str | None = super().remove_node(node)
        if len(self.nodes) == 1 and self._only_alone_is_left():
            super()._reschedule(self.nodes[0])
        return crashed

    def _only_alone_is_left(self) -> bool:
        return bool(self.workqueue) and all(scope.removeprefix("tests/") in ALONE for scope in self.workqueue)


def is_a_part(config: pytest.Config) -> bool:
    """Return whether this process runs a part of the tests for the reporting process."""
    return hasattr(config, "workerinput")


def hand_over(config: pytest.Config, name: str, value: object) -> None:
    """Send a value to the reporting process at the end of this one; simple types only."""
    config.workeroutput[name] = value  # type: ignore[attr-defined]  # pytest-xdist's


def handed_over(node: Any, name: str, otherwise: Any) -> Any:  # noqa: ANN401 - pytest-xdist has no types for it
    """Return what a process sent; a crashed one sent nothing."""
    return getattr(node, "workeroutput", {}).get(name, otherwise)
