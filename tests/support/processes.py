"""A run that pytest-xdist shares out among processes: who gets what, and how it comes together again."""

from typing import Any, Final

import pytest
from xdist.scheduler import LoadScopeScheduling

_WAITS: Final = "tests/faults/"
"""Conversations across many minutes: they wait for a clock, and leave the machine to others."""
_WORKS: Final = "tests/faults/test_faults_soak.py"


class TwoQueues(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist carries no types
    """One process gets what waits, another what keeps the machine busy: no two of those are measured at once."""

    def _split_scope(self, nodeid: str) -> str:
        return "waits" if nodeid.startswith(_WAITS) and not nodeid.startswith(_WORKS) else "works"


def is_a_part(config: pytest.Config) -> bool:
    """Tell whether this process runs some of the tests for another one, which reports."""
    return hasattr(config, "workerinput")


def hand_over(config: pytest.Config, name: str, value: object) -> None:
    """Give the reporting process something, at the end of this one; simple types only."""
    config.workeroutput[name] = value  # type: ignore[attr-defined]  # pytest-xdist's


def handed_over(node: Any, name: str, otherwise: Any) -> Any:  # noqa: ANN401 - pytest-xdist has no types for it
    """Take what a process gave; one that crashed gave nothing."""
    return getattr(node, "workeroutput", {}).get(name, otherwise)
