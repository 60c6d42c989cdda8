"""Each system that the services use, real or a stand-in as its settings decide. Pure."""

from collections.abc import Mapping
from pathlib import Path

from voice_agent.run.parts import MisconfiguredError, Part, Program, Secrets, System, Wishes

LIVE_FORECAST = "https://api.open-meteo.com/v1/forecast"
LIVE_GEOCODING = "https://geocoding-api.open-meteo.com/v1/search"

_AWS_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_TWILIO_KEYS = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")

_DEMO_NUMBER = "+15005550001"
"""The number that `voice-agent call` dials, which Twilio reserves for tests."""

_DESK = "BOOKING_DESK_URL"
_PRIVATE_HOSTS = "TOOL_PRIVATE_HOSTS"
_PRIVATE = ("AWS_", "TWILIO_", "DAILY_", "OPEN_METEO_API_", "CALL_ME_", "BOOKING_DESK_")
"""Prefixes of the variables that stand-ins must not see."""


def nova(environment: Mapping[str, str], wishes: Wishes, secrets: Secrets, folder: Path, agents: Path) -> System:
    """Return the speech model, real or a stand-in that plays the folders in `agents`.

    Raises:
        MisconfiguredError: Only half of a key is set.
    """
    endpoint = environment.get("AWS_ENDPOINT_URL_BEDROCK_RUNTIME")
    given = _both(environment, _AWS_KEYS)
    if wishes.nova == "bedrock" or (wishes.nova == "auto" and (given or endpoint)):
        region = environment.get("NOVA_SONIC_REGION") or environment.get("AWS_REGION", "us-east-1")
        url = endpoint or f"https://bedrock-runtime.{region}.amazonaws.com"
        return System(Part("speech", "Amazon Nova Sonic", url, real=True), {}, {"url": url, "control": ""})
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
            *(("--agents", str(agents)) if agents.is_dir() else ()),
            *(("--brain", wishes.brain) if wishes.brain else ()),
            *(("--verbose",) if wishes.verbose else ()),
        ),
        environment=without_secrets(environment),
        health=f"{control}/health",
        ports=(ports.nova, ports.nova_control),
    )
    settings = {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": url,
        # Not AWS_REGION: the developer may work in a region that does not offer Nova Sonic.
        "NOVA_SONIC_REGION": environment.get("NOVA_SONIC_REGION") or "us-east-1",
        "AWS_ACCESS_KEY_ID": secrets.access_key,
        "AWS_SECRET_ACCESS_KEY": secrets.secret_key,
        "SSL_CERT_FILE": str(certificates / "bundle.pem"),
    }
    part = Part("speech", "stand-in for Amazon Nova Sonic", url, real=False)
    return System(part, settings, {"url": url, "control": control}, program)


def twilio(environment: Mapping[str, str], wishes: Wishes, secrets: Secrets) -> System:
    """Return the telephone, real or a stand-in.

    Raises:
        MisconfiguredError: Only half of a key is set, or PUBLIC_BASE_URL is not an https URL.
    """
    given = _both(environment, _TWILIO_KEYS)
    if given:
        if not environment.get("PUBLIC_BASE_URL", "").startswith("https://"):
            message = "real Twilio needs PUBLIC_BASE_URL=https://…, the URL of this machine for Twilio"
            raise MisconfiguredError(message)
        url = environment.get("TWILIO_API_BASE_URL", "https://api.twilio.com")
        return System(Part("telephone", "Twilio", url, real=True), {}, {"url": url})
    url = f"http://127.0.0.1:{wishes.ports.twilio}"
    settings = {
        "TWILIO_ACCOUNT_SID": secrets.account_sid,
        "TWILIO_AUTH_TOKEN": secrets.auth_token,
        "TWILIO_API_BASE_URL": url,
        # The account's token is enough, and a stand-in must not see a real API key of .env.
        "TWILIO_API_SID": "",
        "TWILIO_API_SECRET": "",
    }
    program = Program(
        name="twilio",
        module="standins.twilio",
        arguments=("--port", str(wishes.ports.twilio)),
        environment=without_secrets(environment) | settings,
        health=f"{url}/health",
        ports=(wishes.ports.twilio,),
    )
    state = {"url": url, "account_sid": secrets.account_sid, "auth_token": secrets.auth_token}
    return System(Part("telephone", "stand-in for Twilio", url, real=False), settings, state, program)


def call_me(environment: Mapping[str, str], telephone: System) -> dict[str, str]:
    """Return the web service's settings for calling visitors; with the stand-in it needs only CALL_ME_PREFIXES."""
    if telephone.part.real or not environment.get("CALL_ME_PREFIXES"):
        return {}
    return {
        "CALL_ME_FROM": _DEMO_NUMBER,
        "CALL_ME_ACCOUNT_SID": telephone.settings["TWILIO_ACCOUNT_SID"],
        # The account's token, as for the phone service: the stand-in must not see a real key of .env.
        "CALL_ME_API_SID": telephone.settings["TWILIO_ACCOUNT_SID"],
        "CALL_ME_API_SECRET": telephone.settings["TWILIO_AUTH_TOKEN"],
        "CALL_ME_API_URL": telephone.settings["TWILIO_API_BASE_URL"],
    }


def daily(environment: Mapping[str, str], wishes: Wishes, secrets: Secrets) -> System:
    """Return the transport of a visitor's audio: Daily if its key is set, otherwise directly from the browser."""
    if wishes.daily == "standin":
        url = f"http://127.0.0.1:{wishes.ports.daily}"
        program = Program(
            name="daily",
            module="standins.daily",
            arguments=("--port", str(wishes.ports.daily)),
            environment=without_secrets(environment) | {"DAILY_API_KEY": secrets.daily_key},
            health=f"{url}/health",
            ports=(wishes.ports.daily,),
        )
        part = Part("visitors", "stand-in for Daily: rooms, but no sound in them", url, real=False)
        settings = {"DAILY_API_URL": f"{url}/v1", "DAILY_API_KEY": secrets.daily_key, "TRANSPORT": "daily"}
        return System(part, settings, {"transport": "daily", "url": url}, program)
    if environment.get("DAILY_API_KEY") and environment.get("TRANSPORT", "auto") != "webrtc":
        url = environment.get("DAILY_API_URL", "https://api.daily.co/v1")
        return System(Part("visitors", "Daily", url, real=True), {}, {"transport": "daily", "url": url})
    part = Part("visitors", "sound from browser to machine", "", real=True)
    return System(part, {}, {"transport": "webrtc"})


def weather(environment: Mapping[str, str], wishes: Wishes, *, live: bool) -> System:
    """Return the weather service; ``live`` says whether the real one answers."""
    chosen = environment.get("OPEN_METEO_FORECAST_URL") or (environment.get("OPEN_METEO_API_KEY") and LIVE_FORECAST)
    if wishes.weather == "live" or (wishes.weather == "auto" and (chosen or live)):
        forecast = chosen or LIVE_FORECAST
        state = {
            "forecast_url": forecast,
            "geocoding_url": environment.get("OPEN_METEO_GEOCODING_URL", LIVE_GEOCODING),
            "live": True,
        }
        return System(Part("weather", "Open-Meteo", forecast, real=True), {}, state)
    url = f"http://127.0.0.1:{wishes.ports.weather}"
    program = Program(
        name="weather",
        module="standins.weather",
        arguments=("--port", str(wishes.ports.weather)),
        environment=without_secrets(environment),
        health=f"{url}/health",
        ports=(wishes.ports.weather,),
    )
    forecast, geocoding = f"{url}/v1/forecast", f"{url}/v1/search"
    # A key makes the service use the real API, so the stand-in needs it to be empty.
    hidden = dict.fromkeys({"OPEN_METEO_API_KEY"} & environment.keys(), "")
    settings = {"OPEN_METEO_FORECAST_URL": forecast, "OPEN_METEO_GEOCODING_URL": geocoding, **hidden}
    state = {"forecast_url": forecast, "geocoding_url": geocoding, "live": False}
    return System(Part("weather", "stand-in for Open-Meteo", url, real=False), settings, state, program)


def desk(environment: Mapping[str, str], wishes: Wishes, agents: Path) -> System | None:
    """Return the reservation system that agents use as an MCP server; None if no agent in the folder names one."""
    if given := environment.get(_DESK):
        return System(Part("desk", "reservation system (MCP)", given.partition(" ")[0], real=True), {}, {"url": given})
    if not any(_DESK in file.read_text(encoding="utf-8", errors="replace") for file in agents.glob("*/agent.yaml")):
        return None
    url = f"http://127.0.0.1:{wishes.ports.desk}"
    program = Program(
        name="desk",
        module="standins.booking_desk",
        arguments=("--port", str(wishes.ports.desk)),
        environment=without_secrets(environment),
        health=f"{url}/health",
        ports=(wishes.ports.desk,),
    )
    # Tools reach no private address but those that are named, and the operator may have named others.
    named = ",".join(filter(None, (environment.get(_PRIVATE_HOSTS), f"127.0.0.1:{wishes.ports.desk}")))
    settings = {_DESK: f"{url}/mcp", _PRIVATE_HOSTS: named}
    return System(
        Part("desk", "stand-in for a reservation system (MCP)", url, real=False), settings, {"url": url}, program
    )


def people(environment: Mapping[str, str], wishes: Wishes, *, real_telephone: bool) -> System:
    """Return the people for transfers: those that are configured, otherwise a telephone on this machine.

    The real Twilio cannot call this machine's telephone, so with it transfers need TRANSFER_DESTINATIONS.
    """
    named = environment.get("TRANSFER_DESTINATIONS", "")
    if named or real_telephone:
        names = ", ".join(entry.partition("=")[0].strip() for entry in named.split(","))
        part = Part("people", names or "none: TRANSFER_DESTINATIONS is not set", "", real=True)
        return System(part, {}, {"real": True})
    address = f"sip:person@127.0.0.1:{wishes.ports.person}"
    program = Program(
        name="person",
        module="standins.sip",
        arguments=("--port", str(wishes.ports.person), *(("--verbose",) if wishes.verbose else ())),
        environment=without_secrets(environment),
        health=f"http://127.0.0.1:{wishes.ports.person}/health",
        ports=(wishes.ports.person,),
    )
    settings = {
        "TRANSFER_DESTINATIONS": f"reception={address}",
        "TRANSFER_ACCEPT": environment.get("TRANSFER_ACCEPT", "key"),  # so that a demo call includes the key press
        "FALLBACK_DESTINATION": environment.get("FALLBACK_DESTINATION", address),
        "CALLBACK_NUMBER": environment.get("CALLBACK_NUMBER", _DEMO_NUMBER),
    }
    part = Part("people", "stand-in for a person on a SIP telephone", address, real=False)
    return System(part, settings, {"real": False, "address": address}, program)


def _both(environment: Mapping[str, str], names: tuple[str, str]) -> bool:
    given = [name for name in names if environment.get(name)]
    if len(given) == 1:
        message = f"{given[0]} is set without the other: set {names[0]} and {names[1]}, or neither to use the stand-in"
        raise MisconfiguredError(message)
    return bool(given)


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a stand-in, without real credentials."""
    return {name: value for name, value in environment.items() if not name.startswith(_PRIVATE)}
