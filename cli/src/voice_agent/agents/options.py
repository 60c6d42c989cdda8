"""The options of `voice-agent new` and `voice-agent check`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from voice_agent.plug_in import command

type Language = Literal["en-US", "en-GB", "en-AU", "en-IN", "fr-FR", "it-IT", "de-DE", "es-US", "pt-BR", "hi-IN"]


@dataclass(frozen=True)
class CheckRequest:
    """The validated options of a check."""

    folders: Sequence[Path]
    as_json: bool


@dataclass(frozen=True)
class NewRequest:
    """The validated options of a new agent; None is asked for if there is a terminal."""

    folder: str
    name: str | None
    language: Language | None
    purpose: str | None
    number: str | None
    person: str | None
    template: str
    agents: Path
    flow: Path | None = None


@command("voice_agent.agents.check:check")
def check(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FOLDER]...", help="Folders of agents; all in AGENTS_DIR if missing."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> CheckRequest:
    """Check the folders of agents: what is wrong, with file and line, and what the prompting guide would change."""
    return CheckRequest(folders or [], as_json)


@command("voice_agent.agents.new:new")
def new(  # noqa: PLR0913 - each parameter is an option
    folder: Annotated[
        str, typer.Argument(metavar="FOLDER", help="Name of its folder: lower-case letters, digits and -.")
    ],
    *,
    name: Annotated[str | None, typer.Option(help="On whose behalf it speaks, such as the name of a business.")] = None,
    language: Annotated[Language | None, typer.Option(help="Its language.")] = None,
    purpose: Annotated[str | None, typer.Option(help="What it does, in one sentence.")] = None,
    number: Annotated[str | None, typer.Option(help="The phone number that it answers, such as +15550100004.")] = None,
    person: Annotated[
        str | None,
        typer.Option(help="Person that key 0 calls: tel:+15550100900 or sip:desk@example.com; empty for none."),
    ] = None,
    template: Annotated[str, typer.Option(help="What to start from: blank, or an agent in AGENTS_DIR.")] = "blank",
    flow: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A flow file of Pipecat (YAML or JSON), whose nodes become stages."),
    ] = None,
    agents: Annotated[Path, typer.Option("--dir", envvar="AGENTS_DIR", help="Folder with the agents.")] = Path(
        "agents"
    ),
) -> NewRequest:
    """Create an agent's folder. Asks for what no option says."""
    return NewRequest(folder, name, language, purpose, number, person, template, agents, flow)
