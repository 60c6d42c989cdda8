"""What `voice-agent run` starts: the phone agent, and a stand-in for everything that has no real credentials. Pure.

The environment and ``.env`` decide, one system at a time. A system is real when its credentials are given by name.
Nothing is looked up elsewhere, so that a forgotten AWS profile cannot make a demo cost money; ``NOVA=bedrock`` says
that it may, with whatever credentials AWS's own chain finds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

type Choice = Literal["auto", "standin", "bedrock", "live"]

LIVE_FORECAST = "https://api.open-meteo.com/v1/forecast"
LIVE_GEOCODING = "https://geocoding-api.open-meteo.com/v1/search"

_AWS_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_TWILIO_KEYS = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")

_PRIVATE = ("AWS_", "TWILIO_", "DAILY_")
"""Prefixes of what stand-ins have no business to know."""

_DRAIN_SECONDS = "10"
"""A person who presses Ctrl-C does not wait as long as a deployment does."""


class MisconfiguredError(Exception):
    """What is set does not fit together; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens, on loopback."""

    phone: int = 7860
    nova: int = 8443
    nova_control: int = 8444
    twilio: int = 8445
    weather: int = 8446


@dataclass(frozen=True, slots=True)
class Secrets:
    """Credentials of the stand-ins, made anew for each run."""

    access_key: str
    secret_key: str
    account_sid: str
    auth_token: str


@dataclass(frozen=True, slots=True)
class Program:
    """One child process: a Python module that answers at ``health`` when it is ready."""

    name: str
    module: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    health: str
    ports: tuple[int, ...]
    start_seconds: float = 60
    stop_seconds: float = 5


@dataclass(frozen=True, slots=True)
class Part:
    """One system, for the banner and for the state file."""

    name: str
    what: str
    url: str
    real: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is to be started: stand-ins first, at once; then the agent."""

    standins: Sequence[Program]
    agent: Program
    parts: Sequence[Part]
    base_url: str
    state: Mapping[str, object]
    """What others may need to know while it runs; see `standins.cli.state`."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person asked for on the command line."""

    ports: Ports = Ports()
    nova: Choice = "auto"
    weather: Choice = "auto"
    verbose: bool = False


@dataclass(frozen=True, slots=True)
class _System:
    part: Part
    settings: Mapping[str, str]
    state: Mapping[str, object]
    program: Program | None = None


def make_plan(
    environment: Mapping[str, str], wishes: Wishes, secrets: Secrets, folder: Path, *, live_weather: bool
) -> Plan:
    """Decide what is real.

    Args:
        environment: The process environment laid over ``.env``.
        wishes: Options.
        secrets: For stand-ins.
        folder: ``.run``: logs, certificates.
        live_weather: Whether Open-Meteo answers.

    Raises:
        MisconfiguredError: Something is given by half.
    """
    nova = _nova(environment, wishes, secrets, folder)
    twilio = _twilio(environment, wishes, secrets)
    weather = _weather(environment, wishes, live=live_weather)
    systems = (nova, twilio, weather)
    base_url = f"http://127.0.0.1:{wishes.ports.phone}"
    if twilio.part.real:
        base_url = environment["PUBLIC_BASE_URL"].rstrip("/")
    agent = _agent(environment, wishes.ports.phone, base_url, systems)
    programs = [system.program for system in systems if system.program is not None]
    return Plan(
        standins=programs,
        agent=agent,
        parts=[Part("agent", "phone-agent, on this machine", base_url, real=True), *(one.part for one in systems)],
        base_url=base_url,
        state={
            "base_url": base_url,
            "nova": nova.state,
            "twilio": twilio.state,
            "weather": weather.state,
            "logs": {one.name: f"{folder.name}/{one.name}.jsonl" for one in (*programs, agent)},
        },
    )


def wants_weather_probe(environment: Mapping[str, str], wishes: Wishes) -> bool:
    """Tell whether it matters that the live service answers."""
    return wishes.weather == "auto" and "OPEN_METEO_FORECAST_URL" not in environment


def _agent(environment: Mapping[str, str], port: int, base_url: str, systems: Sequence[_System]) -> Program:
    own = dict(environment)
    if any(name.startswith("AWS_") for name in systems[0].settings):
        # The credential chain must find the stand-in's keys, and nothing before them.
        own = {name: value for name, value in environment.items() if not name.startswith("AWS_")}
    return Program(
        name="phone-agent",
        module="phone_agent",
        arguments=(),
        environment={
            "DRAIN_SECONDS": _DRAIN_SECONDS,
            "ENVIRONMENT": "local",
            "AWS_REGION": environment.get("AWS_REGION", "us-east-1"),
            **own,
            "HOST": "127.0.0.1",
            "FAST_API_PORT": str(port),
            "PUBLIC_BASE_URL": base_url,
            **{name: value for system in systems for name, value in system.settings.items()},
        },
        health=f"http://127.0.0.1:{port}/health",
        ports=(port,),
        stop_seconds=float(environment.get("DRAIN_SECONDS", _DRAIN_SECONDS)) + 5,
    )


def _nova(environment: Mapping[str, str], wishes: Wishes, secrets: Secrets, folder: Path) -> _System:
    endpoint = environment.get("AWS_ENDPOINT_URL_BEDROCK_RUNTIME")
    given = _both(environment, _AWS_KEYS)
    if wishes.nova == "bedrock" or (wishes.nova == "auto" and (given or endpoint)):
        region = environment.get("NOVA_SONIC_REGION") or environment.get("AWS_REGION", "us-east-1")
        url = endpoint or f"https://bedrock-runtime.{region}.amazonaws.com"
        return _System(Part("speech", "Amazon Nova Sonic", url, real=True), {}, {"url": url, "control": ""})
    ports, certificates = wishes.ports, folder / "nova-certs"
    url, control = f"https://localhost:{ports.nova}", f"http://127.0.0.1:{ports.nova_control}"
    program = Program(
        name="nova",
        module="standins.nova",
        arguments=(
            *("--port", str(ports.nova)),
            *("--control-port", str(ports.nova_control)),
            *("--certs", str(certificates)),
            *("--access-key-id", secrets.access_key),
            *("--secret-access-key", secrets.secret_key),
            *(("--verbose",) if wishes.verbose else ()),
        ),
        environment=_without_secrets(environment),
        health=f"{control}/health",
        ports=(ports.nova, ports.nova_control),
    )
    settings = {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": url,
        "AWS_ACCESS_KEY_ID": secrets.access_key,
        "AWS_SECRET_ACCESS_KEY": secrets.secret_key,
        "SSL_CERT_FILE": str(certificates / "bundle.pem"),
    }
    part = Part("speech", "stand-in for Amazon Nova Sonic", url, real=False)
    return _System(part, settings, {"url": url, "control": control}, program)


def _twilio(environment: Mapping[str, str], wishes: Wishes, secrets: Secrets) -> _System:
    given = _both(environment, _TWILIO_KEYS)
    if given:
        if not environment.get("PUBLIC_BASE_URL", "").startswith("https://"):
            message = "real Twilio needs PUBLIC_BASE_URL=https://…, the address at which it reaches this machine"
            raise MisconfiguredError(message)
        url = environment.get("TWILIO_API_BASE_URL", "https://api.twilio.com")
        return _System(Part("telephone", "Twilio", url, real=True), {}, {"url": url})
    url = f"http://127.0.0.1:{wishes.ports.twilio}"
    settings = {
        "TWILIO_ACCOUNT_SID": secrets.account_sid,
        "TWILIO_AUTH_TOKEN": secrets.auth_token,
        "TWILIO_API_BASE_URL": url,
        # One account's token is enough, and a real API key in .env is not for a stand-in to see.
        "TWILIO_API_SID": "",
        "TWILIO_API_SECRET": "",
    }
    program = Program(
        name="twilio",
        module="standins.twilio",
        arguments=("--port", str(wishes.ports.twilio)),
        environment=_without_secrets(environment) | settings,
        health=f"{url}/health",
        ports=(wishes.ports.twilio,),
    )
    state = {"url": url, "account_sid": secrets.account_sid, "auth_token": secrets.auth_token}
    return _System(Part("telephone", "stand-in for Twilio", url, real=False), settings, state, program)


def _weather(environment: Mapping[str, str], wishes: Wishes, *, live: bool) -> _System:
    chosen = environment.get("OPEN_METEO_FORECAST_URL")
    if wishes.weather == "live" or (wishes.weather == "auto" and (chosen or live)):
        forecast = chosen or LIVE_FORECAST
        state = {
            "forecast_url": forecast,
            "geocoding_url": environment.get("OPEN_METEO_GEOCODING_URL", LIVE_GEOCODING),
            "live": True,
        }
        return _System(Part("weather", "Open-Meteo", forecast, real=True), {}, state)
    url = f"http://127.0.0.1:{wishes.ports.weather}"
    program = Program(
        name="weather",
        module="standins.weather",
        arguments=("--port", str(wishes.ports.weather)),
        environment=_without_secrets(environment),
        health=f"{url}/health",
        ports=(wishes.ports.weather,),
    )
    forecast, geocoding = f"{url}/v1/forecast", f"{url}/v1/search"
    settings = {"OPEN_METEO_FORECAST_URL": forecast, "OPEN_METEO_GEOCODING_URL": geocoding}
    state = {"forecast_url": forecast, "geocoding_url": geocoding, "live": False}
    return _System(Part("weather", "stand-in for Open-Meteo", url, real=False), settings, state, program)


def _both(environment: Mapping[str, str], names: tuple[str, str]) -> bool:
    given = [name for name in names if environment.get(name)]
    if len(given) == 1:
        message = f"{given[0]} is set alone: set {names[0]} and {names[1]}, or neither for the stand-in"
        raise MisconfiguredError(message)
    return bool(given)


def _without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(_PRIVATE)}
