"""Which option and variable sets which port, and whether a port is free."""

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
}
"""Each port's option and variable."""


def check_ports(plan: Plan, left_behind: str = "") -> None:
    """Find out before anything starts that a port is taken.

    Args:
        plan: What is to be started.
        left_behind: What an earlier run may have left there, for the message.

    Raises:
        MisconfiguredError: It is; the text says how to choose another.
    """
    names = {"phone-agent": ("phone",), "webrtc-agent": ("web",), "nova": ("nova", "nova_control")}
    for program in plan.programs:
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

    It lies below the ports that systems hand out by themselves (from 32768 on Linux, from 49152 elsewhere). Otherwise
    an outgoing connection could take it before the program that it is meant for listens.

    Raises:
        MisconfiguredError: a thousand ports in a row are in use.
    """
    for _ in range(_TRIES):
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        if _is_free(port):
            return port
    raise MisconfiguredError(f"no free port between {_LOWEST} and {_HIGHEST}")
