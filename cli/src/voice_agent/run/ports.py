"""The option and variable of each port, and a check that a port is free."""

import secrets
import socket

from voice_agent.run.parts import MisconfiguredError
from voice_agent.run.plan import Plan

_LOWEST, _HIGHEST, _TRIES = 10_000, 32_000, 1_000

PORT_NAMES = {
    "edge": ("--port", "FAST_API_PORT"),
    "phone": ("--phone-port", "PHONE_PORT"),
    "web": ("--web-port", "WEB_PORT"),
    "nova": ("--nova-port", "NOVA_PORT"),
    "nova_control": ("--nova-control-port", "NOVA_CONTROL_PORT"),
    "twilio": ("--twilio-port", "TWILIO_PORT"),
    "weather": ("--weather-port", "WEATHER_PORT"),
    "daily": ("--daily-port", "DAILY_PORT"),
    "person": ("--person-port", "PERSON_PORT"),
    "desk": ("--desk-port", "DESK_PORT"),
}
"""The option and variable of each port."""


def check_ports(plan: Plan, left_behind: str = "") -> None:
    """Check before the start that no port is in use.

    Args:
        plan: What to start.
        left_behind: What an earlier run may have left running, for the message.

    Raises:
        MisconfiguredError: A port is in use; the message says how to choose another.
    """
    names = {"phone-agent": ("phone",), "webrtc-agent": ("web",), "nova": ("nova", "nova_control")}
    for program in plan.programs:
        # A program with several ports, such as nova, lists them in the order of these names.
        for port, name in zip(program.ports, names.get(program.name, (program.name,)), strict=True):
            option, variable = PORT_NAMES[name]
            if not _is_free(port):
                message = f"port {port} is in use ({program.name}): choose another with {option} or {variable}"
                raise MisconfiguredError(f"{message}{left_behind and f'; {left_behind}'}")


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """Choose a port that is not in use.

    The port is below the ephemeral ports (from 32768 on Linux, from 49152 elsewhere). Otherwise an outgoing connection
    could take it before its program listens.

    Raises:
        MisconfiguredError: a thousand ports in a row are in use.
    """
    for _ in range(_TRIES):
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        if _is_free(port):
            return port
    raise MisconfiguredError(f"no free port between {_LOWEST} and {_HIGHEST}")
