"""Tasks that are killed during rehearsals: each group of conversations loses one of its own."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from voice_agent.rehearse.system import System


@dataclass
class _Phone:
    name: str
    happened: list[str] = field(default_factory=list)

    def kill(self) -> None:
        self.happened.append("killed")

    async def ended(self) -> None:
        """Return at once."""


async def test_each_group_loses_a_task_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next task receives calls before the present one is killed, also for the second group."""
    targets: list[str] = []

    async def target(_system: System, method: str, phone: Any) -> None:  # noqa: ANN401 - a phone service without a process
        targets.append(f"{method} {phone.name} {len(phone.happened)}")

    monkeypatch.setattr(System, "_target", target)
    phones = [_Phone(name) for name in ("first", "second", "third")]
    system = System(cast("Any", None), "", "", cast("Any", list(phones)))
    await system.kill_task()
    await system.kill_task()
    assert targets == ["POST second 0", "DELETE first 1", "POST third 0", "DELETE second 1"]
    assert [phone.happened for phone in phones] == [["killed"], ["killed"], []]
