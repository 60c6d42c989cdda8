"""Checks this machine: Python, the page, the ports, and the settings."""

import socket
import sys

from agent_core.errors import ConfigurationError
from agent_core.settings import CoreSettings
from deployment.checks.finding import Finding, bad, care, good, unset
from doctor.surroundings import MachineState

PORTS = {"FAST_API_PORT": 7860, "PHONE_PORT": 7861, "WEB_PORT": 7862, "NOVA_PORT": 8443}
PORTS |= {"NOVA_CONTROL_PORT": 8444, "TWILIO_PORT": 8445, "WEATHER_PORT": 8446, "DAILY_PORT": 8447}
"""Ports that `voice-agent run` listens on, and the variables that change them."""
_PAGE = "services/webrtc-agent/src/webrtc_agent/static/index.html"


def python() -> list[Finding]:
    """Compare the Python version with the tested one."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if version == "3.12":
        return [good("python", sys.version.split()[0])]
    return [bad("python", f"{sys.version.split()[0]}, but 3.12 is required", "run `make environment`")]


def settings(surroundings: MachineState) -> list[Finding]:
    """Load the settings as a service does."""
    try:
        # Loads from the environment and .env, like a service, so it finds the same mistakes.
        CoreSettings.read()
    except ConfigurationError as error:
        return [bad("settings", error.reason, "correct it in the environment or in .env (docs/reference/settings.md)")]
    misspelt = [f"{name} (did you mean {near}?)" for name, near in CoreSettings.misspelt()]
    if misspelt:
        return [care("settings", f"unknown: {', '.join(misspelt)}", "correct the names; unknown settings are ignored")]
    if renamed := [f"{old} is now {new}" for old, new in CoreSettings.renamed()]:
        return [care("settings", f"former names: {', '.join(renamed)}", "use the new names; the old ones expire")]
    region = surroundings.model_region
    return [good("settings", f"valid; model {surroundings.model} in {region}")]


def page(surroundings: MachineState) -> list[Finding]:
    """Check that the page is built."""
    if (surroundings.root / _PAGE).is_file():
        return [good("page", "built")]
    return [bad("page", "not built: browsers get a notice instead", "run `make page`")]


def ports(surroundings: MachineState) -> list[Finding]:
    """Check that the ports of `voice-agent run` are free."""
    # `voice-agent run` writes this file, and removes it when it ends.
    if (surroundings.root / ".run/run.json").is_file():
        return [unset("ports", "in use by `voice-agent run`, which is running from this checkout")]
    taken = [f"{port} ({name})" for name, port in _wanted(surroundings).items() if not _is_free(port)]
    if taken:
        change = "stop the programs that use them, or set these variables to other ports"
        return [bad("ports", f"in use: {', '.join(taken)}", change)]
    return [good("ports", "free")]


def _wanted(surroundings: MachineState) -> dict[str, int]:
    given = {name: surroundings.get(name, str(port)) for name, port in PORTS.items()}
    # 0 means "any free port".
    return {name: int(port) for name, port in given.items() if port.isdecimal() and int(port)}


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        # Otherwise a connection in TIME_WAIT would make a free port look taken.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
