"""Reports before the start which AWS credentials pay for speech, and how to stay local."""

import base64
import configparser
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

DOLLARS_A_MINUTE: Final = 0.01
"""Approximate cost of a minute of speech at Amazon; a test compares it with the deployment's estimate."""
_SHOWN: Final = 4


def announcement(environment: Mapping[str, str], *, speech_is_real: bool, wishes: str) -> Iterator[str]:
    """Yield the lines: the credentials that were found, the cost of a minute, and how to change the choice.

    Args:
        environment: Variables, including those of `.env`.
        speech_is_real: Whether the plan uses Bedrock.
        wishes: The value of `NOVA` or `--nova`.
    """
    found = source(environment)
    if speech_is_real:
        yield f"AWS credentials: {found or 'from the default AWS chain (a role, or an endpoint)'}. SPEECH COSTS MONEY:"
        yield f"  about ${DOLLARS_A_MINUTE:.2f} a minute of conversation; NOVA=standin stays on this machine."
        yield "  If the agent stays silent, `make doctor` says why."
    elif found and wishes == "auto":
        yield f"AWS credentials: {found}. They are not used, and speech costs nothing; NOVA=bedrock uses them."


def source(environment: Mapping[str, str]) -> str:
    """Describe the AWS credentials with the end of their account, without a request to AWS; empty if there are none."""
    key = environment.get("AWS_ACCESS_KEY_ID", "")
    if key:
        return f"AWS_ACCESS_KEY_ID {_masked(key)} in {_place()}"
    # The order of the default AWS chain: variables, the shared credentials file, the config file.
    profile = environment.get("AWS_PROFILE", "default")
    shared = Path(environment.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials").expanduser()
    config = Path(environment.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser()
    if stored := _read(shared, profile).get("aws_access_key_id"):
        return f"a key {_masked(stored)}, profile {profile} in {_short(shared)}"
    section = profile if profile == "default" else f"profile {profile}"
    ways = ("aws_access_key_id", "sso_session", "sso_start_url", "role_arn", "credential_process", "login_session")
    if any(way in _read(config, section) for way in ways):
        return f"profile {profile} in {_short(config)}"
    return ""


def _place() -> str:
    return "the environment" if os.environ.get("AWS_ACCESS_KEY_ID") else ".env"


def _masked(key: str) -> str:
    """Return the end of the account that a key ID encodes or, for an older key ID, the end of the key ID."""
    if (account := _account(key)) is not None:
        return f"of account …{account[-_SHOWN:]}"
    return f"…{key[-_SHOWN:]}"


def _account(key: str) -> str | None:
    """Return the account that an access key ID since 2019 encodes: 40 bits after the first."""
    try:
        bits = int.from_bytes(base64.b32decode(key[4:])[:6], "big")
    except ValueError:
        return None
    account = (bits & 0x7FFF_FFFF_FF80) >> 7
    return f"{account:012}" if key.startswith(("AKIA", "ASIA")) and account < 10**12 else None


def _short(path: Path) -> str:
    return f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)


def _read(path: Path, section: str) -> Mapping[str, str]:
    # Values may contain a percent sign, which other parsers would interpolate.
    parser = configparser.RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return {}
    return dict(parser[section]) if parser.has_section(section) else {}
