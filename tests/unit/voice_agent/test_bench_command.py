"""The order and number of the benchmark's trials."""

import sys
from typing import Any

import pytest

from voice_agent.bench import command as bench
from voice_agent.bench.contender import (
    OURS,
    OURS_WEB,
    OVER_H2,
    OVER_H2_WEB,
    OVER_SDK,
    OVER_SDK_WEB,
    STOCK,
    STOCK_WEB,
    Contender,
)
from voice_agent.bench.meter import Cores
from voice_agent.bench.trial import Trial
from voice_agent.command_line import main

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the bench reads a process's CPU from /proc")


@pytest.mark.parametrize(
    ("option", "pair"),
    [
        ((), (STOCK, OURS)),
        (("--transports",), (OVER_SDK, OVER_H2)),
        (("--web",), (STOCK_WEB, OURS_WEB)),
        (("--web", "--transports"), (OVER_SDK_WEB, OVER_H2_WEB)),
    ],
)
def test_both_agents_are_tried_in_turn_in_every_round(
    option: tuple[str, ...], pair: tuple[Contender, Contender], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agents alternate in every round, so that other load affects both; an invalid trial gives no result."""
    tried = []

    async def note(contender: Any, load: Any, label: str) -> Trial:  # noqa: ANN401 - only names matter here
        tried.append((label, contender))
        return Trial(contender.name, load.calls, trouble=["not tried"])

    monkeypatch.setattr(bench, "_try", note)
    monkeypatch.setattr(Cores, "pin", lambda *_: None)
    assert main(["bench", "--calls", "2", "--rounds", "3", "--seconds", "1", *option]) != 0
    assert tried == [(f"round {number}", agent) for number in (1, 2, 3) for agent in pair]
