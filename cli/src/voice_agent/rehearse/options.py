"""The options of `voice-agent rehearse`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from voice_agent.plug_in import command
from voice_agent.rehearse.variants import Channel
from voice_agent.run.options import variables

_EPILOG = """\
Without --url everything runs on this machine with stand-ins. It costs nothing, and nothing of a running system changes.

With --url the rehearsals call a deployment, three times each. Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN to those of
the deployment. The cost is printed first.

The wire must hold in every conversation. On this machine the model must do what is expected in every conversation too;
against a deployment in two of three. Exit code: 0 as expected, 1 not as expected, 2 wrong usage, 130 stopped by Ctrl-C.
"""


@dataclass(frozen=True)
class RehearseOptions:
    """The validated options."""

    folder: Path
    only: str
    over: Literal["phone", "web", "both"]
    matrix: bool
    url: str
    junit: Path | None
    report: Path | None
    at_once: int
    times: int
    environment: Mapping[str, str]
    """The variables of the process, and those of `.env` that it does not set."""

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels on which the rehearsals are held."""
        return ("phone", "web") if self.over == "both" else (self.over,)


@command("voice_agent.rehearse.command:run", variables=variables, epilog=_EPILOG)
def rehearse(  # noqa: PLR0913 - each parameter is an option
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The agent's folder, such as agents/restaurant.")],
    *,
    only: Annotated[str, typer.Option(metavar="NAME", help="Only rehearsals with this in their name.")] = "",
    over: Annotated[
        Literal["phone", "web", "both"], typer.Option(help="How to reach the agent; web types the words.")
    ] = "phone",
    matrix: Annotated[
        bool, typer.Option("--matrix", help="Under eight conditions, from noise to a killed task.")
    ] = False,
    url: Annotated[str, typer.Option(metavar="URL", help="Call a deployment, three times each.")] = "",
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a JUnit file.")] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write an HTML report with the audio.")] = None,
    at_once: Annotated[
        int, typer.Option(metavar="N", min=0, max=100, help="Conversations at the same time; 0 is 8, with --matrix 24.")
    ] = 0,
    times: Annotated[
        int, typer.Option(metavar="N", min=0, max=100, help="Repeat each; 0 is 3 with --url, otherwise 1.")
    ] = 0,
) -> RehearseOptions:
    """Speak an agent's rehearsals to it, and compare what happens with what they expect."""
    if url and matrix:
        raise typer.BadParameter("--matrix needs this machine's stand-ins; leave out --url", param_hint="--matrix")
    return RehearseOptions(
        folder,
        only,
        over,
        matrix,
        url,
        junit,
        report,
        at_once or (24 if matrix else 8),
        times or (3 if url else 1),
        context.obj,
    )
