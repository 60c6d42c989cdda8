"""The options of `voice-agent run`. Each port and each choice is also a variable, of the process or of `.env`."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from dotenv import dotenv_values

from voice_agent.plug_in import command
from voice_agent.run.parts import Ports, Wishes
from voice_agent.run.ports import PORT_NAMES, free_port

_SYSTEMS = "What is real"
_PORTS = "Ports on this machine (0 takes a free one)"
_DEFAULTS = Ports()


@dataclass(frozen=True)
class RunRequest:
    """The validated options of a run."""

    wishes: Wishes
    then: str | None
    environment: Mapping[str, str]
    """The variables of the process, and those of `.env` that it does not set."""


def variables() -> dict[str, str]:
    """Return the variables of the process and, for those that it does not set, of `.env`, as the services do."""
    # An empty line of `.env` is a template's placeholder and not a setting.
    stored = {name: value for name, value in dotenv_values(Path(".env")).items() if value}
    return {**stored, **os.environ}


def _port(name: str, what: str) -> Any:  # noqa: ANN401 - typer's own type
    option, variable = PORT_NAMES[name]
    return typer.Option(option, envvar=variable, metavar="PORT", min=0, max=65535, help=what, rich_help_panel=_PORTS)


@command("voice_agent.run.command:run", variables=variables)
def run(  # noqa: PLR0913 - each parameter is an option
    context: typer.Context,
    *,
    nova: Annotated[
        Literal["auto", "standin", "bedrock"],
        typer.Option(
            envvar="NOVA",
            help="Speech model; auto selects Bedrock if AWS credentials are set.",
            rich_help_panel=_SYSTEMS,
        ),
    ] = "auto",
    weather: Annotated[
        Literal["auto", "standin", "live"],
        typer.Option(
            envvar="WEATHER",
            help="Weather service; auto selects Open-Meteo if it answers within 2 s.",
            rich_help_panel=_SYSTEMS,
        ),
    ] = "auto",
    daily: Annotated[
        Literal["auto", "standin"],
        typer.Option(
            envvar="DAILY",
            help="Daily; auto selects it if its key is set. The stand-in has rooms without audio.",
            rich_help_panel=_SYSTEMS,
        ),
    ] = "auto",
    brain: Annotated[
        str,
        typer.Option(
            envvar="NOVA_BRAIN",
            metavar="URL",
            help="A local server with OpenAI's chat completions decides what the stand-in for the model says.",
            rich_help_panel=_SYSTEMS,
        ),
    ] = "",
    edge_port: Annotated[int, _port("edge", "Page and calls.")] = _DEFAULTS.edge,
    phone_port: Annotated[int, _port("phone", "Phone service.")] = _DEFAULTS.phone,
    web_port: Annotated[int, _port("web", "Web service.")] = _DEFAULTS.web,
    nova_port: Annotated[int, _port("nova", "Stand-in for the model.")] = _DEFAULTS.nova,
    nova_control_port: Annotated[int, _port("nova_control", "Its control server.")] = _DEFAULTS.nova_control,
    twilio_port: Annotated[int, _port("twilio", "Stand-in for Twilio.")] = _DEFAULTS.twilio,
    weather_port: Annotated[int, _port("weather", "Stand-in for Open-Meteo.")] = _DEFAULTS.weather,
    daily_port: Annotated[int, _port("daily", "Stand-in for Daily.")] = _DEFAULTS.daily,
    person_port: Annotated[int, _port("person", "A person's SIP telephone.")] = _DEFAULTS.person,
    desk_port: Annotated[int, _port("desk", "Stand-in for a reservation system.")] = _DEFAULTS.desk,
    verbose: Annotated[bool, typer.Option("--verbose", help="Let stand-ins log transcripts.")] = False,
    then: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND", help="Run this in a shell when everything is ready, then stop and return its exit code."
        ),
    ] = None,
) -> RunRequest:
    """Start the phone agent and everything it needs on this machine."""
    chosen = {
        "edge": edge_port,
        "phone": phone_port,
        "web": web_port,
        "nova": nova_port,
        "nova_control": nova_control_port,
        "twilio": twilio_port,
        "weather": weather_port,
        "daily": daily_port,
        "person": person_port,
        "desk": desk_port,
    }
    ports = Ports(**{name: port or free_port() for name, port in chosen.items()})
    return RunRequest(Wishes(ports, nova, weather, daily, brain, verbose=verbose), then, context.obj)


def read(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> RunRequest:
    """Return the validated options; `environment` replaces the variables of the process and of `.env`.

    Raises:
        SystemExit: The arguments ask for help (0), or are wrong (2).
    """
    return run.options(arguments, environment)
