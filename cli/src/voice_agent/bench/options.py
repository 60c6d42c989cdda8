"""The options of `voice-agent bench`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from voice_agent.plug_in import command

_EPILOG = "Exit code: 0 valid results, 1 calls failed, 2 measuring is not possible on this machine."


@dataclass(frozen=True)
class BenchOptions:
    """The validated options of a benchmark."""

    calls: int
    rounds: int
    seconds: int
    capacity: bool
    transports: bool
    web: bool
    json: Path | None


@command("voice_agent.bench.command:measure", epilog=_EPILOG)
def bench(  # noqa: PLR0913 - one parameter for each option
    *,
    calls: Annotated[int, typer.Option(metavar="N", min=1, help="Number of concurrent calls.")] = 10,
    rounds: Annotated[int, typer.Option(metavar="N", min=1, help="Number of rounds, agents in turn.")] = 3,
    seconds: Annotated[int, typer.Option(metavar="N", min=1, help="Seconds to measure per round.")] = 10,
    capacity: Annotated[
        bool, typer.Option("--capacity", help="Find out how many calls one core handles; takes minutes.")
    ] = False,
    transports: Annotated[
        bool, typer.Option("--transports", help="Compare the transports to the model, sdk and h2, instead of agents.")
    ] = False,
    web: Annotated[bool, typer.Option("--web", help="Compare visits of the web agent instead of calls.")] = False,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all measurements to this file.")] = None,
) -> BenchOptions:
    """Compare the phone agent, or the web agent, with a stock Pipecat agent in the same run."""
    return BenchOptions(calls, rounds, seconds, capacity, transports, web, json)
