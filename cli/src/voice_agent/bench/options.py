"""The options of `voice-agent bench`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from voice_agent.plug_in import command

_EPILOG = "Exit code: 0 the figures count, 1 calls failed, 2 nothing can be measured on this machine."


@dataclass(frozen=True)
class BenchOptions:
    """What is to be measured, checked."""

    calls: int
    rounds: int
    seconds: int
    capacity: bool
    json: Path | None


@command("voice_agent.bench.command:measure", epilog=_EPILOG)
def bench(
    *,
    calls: Annotated[int, typer.Option(metavar="N", min=1, help="Calls at once.")] = 10,
    rounds: Annotated[int, typer.Option(metavar="N", min=1, help="Rounds, each agent in turn.")] = 3,
    seconds: Annotated[int, typer.Option(metavar="N", min=1, help="Length of what is measured.")] = 10,
    capacity: Annotated[
        bool, typer.Option("--capacity", help="Search how many calls a core holds; takes minutes.")
    ] = False,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write everything that was measured to this file.")
    ] = None,
) -> BenchOptions:
    """Measure the phone agent beside a stock Pipecat one, in the same run."""
    return BenchOptions(calls, rounds, seconds, capacity, json)
