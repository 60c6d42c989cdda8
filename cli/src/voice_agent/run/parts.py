"""The vocabulary of a plan: ports, credentials, wishes, programs and the systems that are real or pretended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

type Choice = Literal["auto", "standin", "bedrock", "live"]


class MisconfiguredError(Exception):
    """What is set does not fit together; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens, on loopback."""

    edge: int = 7860
    phone: int = 7861
    web: int = 7862
    nova: int = 8443
    nova_control: int = 8444
    twilio: int = 8445
    weather: int = 8446
    daily: int = 8447
    person: int = 8448


@dataclass(frozen=True, slots=True)
class Secrets:
    """Credentials of the stand-ins, made anew for each run."""

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
    """One system, for the banner and for the state file."""

    name: str
    what: str
    url: str
    real: bool


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person asked for on the command line."""

    ports: Ports = Ports()
    nova: Choice = "auto"
    weather: Choice = "auto"
    daily: Choice = "auto"
    verbose: bool = False


@dataclass(frozen=True, slots=True)
class System:
    """One system that the services use.

    Args:
        part: For the banner.
        settings: What a service is told about it.
        state: What others are told about it.
        program: The stand-in, where it is one.
    """

    part: Part
    settings: Mapping[str, str]
    state: Mapping[str, object]
    program: Program | None = None
