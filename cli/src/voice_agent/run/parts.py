"""The types of a plan: ports, credentials, options, programs, and systems that are real or stand-ins."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

type Choice = Literal["auto", "standin", "bedrock", "live"]


class MisconfiguredError(Exception):
    """The settings contradict each other; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports on loopback."""

    edge: int = 7860
    phone: int = 7861
    web: int = 7862
    nova: int = 8443
    nova_control: int = 8444
    twilio: int = 8445
    weather: int = 8446
    daily: int = 8447
    person: int = 8448
    desk: int = 8449


@dataclass(frozen=True, slots=True)
class Secrets:
    """The stand-ins' credentials, which are new for each run."""

    access_key: str
    secret_key: str
    account_sid: str
    auth_token: str
    daily_key: str


@dataclass(frozen=True, slots=True)
class Program:
    """One child process: a Python module that answers at ``health`` when it is ready."""

    name: str
    module: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    health: str
    ports: tuple[int, ...]
    start_seconds: float = 180
    stop_seconds: float = 5


@dataclass(frozen=True, slots=True)
class Part:
    """One system, as the banner and the state file show it."""

    name: str
    what: str
    url: str
    real: bool


@dataclass(frozen=True, slots=True)
class Wishes:
    """The choices of the command line."""

    ports: Ports = Ports()
    nova: Choice = "auto"
    weather: Choice = "auto"
    daily: Choice = "auto"
    brain: str = ""
    """URL of a local language model that decides instead of the rehearsals; empty for none."""
    verbose: bool = False


@dataclass(frozen=True, slots=True)
class System:
    """One system that the services use.

    Args:
        part: The system in the banner.
        settings: Variables that the services need to reach it.
        state: The system in the state file, for other programs.
        program: The stand-in; None for a real system.
    """

    part: Part
    settings: Mapping[str, str]
    state: Mapping[str, object]
    program: Program | None = None
