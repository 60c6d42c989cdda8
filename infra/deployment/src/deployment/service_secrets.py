"""The secrets of Twilio, Daily and Open-Meteo: whether they are there, whose they are, whether they have values.

ECS starts no task whose definition names a key that the secret's JSON lacks; an empty value it takes. So a secret must
have every key that service.yaml names, also those that may stay empty.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from deployment.aws import Aws, code_of
from deployment.sizes import SERVICES
from deployment.target_environment import TargetEnvironment
from deployment.template import StackTemplate

_EMPTY: Final = re.compile(r"|<.*>|change-?me|placeholder|todo|x+", re.IGNORECASE)
_OPEN_METEO: Final = {"OPEN_METEO_API_KEY": "Open-Meteo's API key"}
KEY_PARAMETER: Final = "SecretsKeyArn"
"""Of permissions.yaml: the one key under which secrets of an owner's own may be encrypted."""
_OWNER: Final = "aws:cloudformation:stack-name"


@dataclass(frozen=True)
class SecretNeeded:
    """A secret that a service reads when it starts."""

    service: str
    name: str
    parameter: str
    """Of a template: the ARN of one that is there already."""
    keys: Mapping[str, str]
    """Keys that must have a value, and what to ask a person for."""
    form: Mapping[str, str]
    """What a value must look like, where that is known."""
    may_be_empty: tuple[str, ...] = ()
    """Keys that must be there, with or without a value."""

    @property
    def every_key(self) -> tuple[str, ...]:
        """All keys that service.yaml names."""
        return (*self.keys, *self.may_be_empty)


@dataclass(frozen=True)
class Found:
    """A secret as it is."""

    arn: str
    owner: str
    """The stack that made it; empty if a person did."""
    values: Mapping[str, str] | None
    """None where we may not read them."""
    deleted_on: datetime | None = None
    """When it was scheduled for deletion. Until it is gone it has no values, and its name cannot be used again."""
    key: str = ""
    """The KMS key of the owner's that it is encrypted under; empty under AWS's own."""

    def called(self, need: SecretNeeded) -> str:
        """Return what to call it: the name that this environment gives it, or the ARN of an owner's own."""
        return need.name if f":secret:{need.name}-" in self.arn else self.arn

    def lacks(self, need: SecretNeeded) -> list[str]:
        """List the keys that have no value yet."""
        return [key for key in need.keys if _EMPTY.fullmatch((self.values or {}).get(key, "").strip())]

    def misses(self, need: SecretNeeded) -> list[str]:
        """List the keys that are not there at all, though they may be empty."""
        return [key for key in need.may_be_empty if key not in (self.values or {})]

    def wrong(self, need: SecretNeeded) -> list[str]:
        """List the keys whose values cannot be right."""
        values = self.values or {}
        return [key for key, form in need.form.items() if values.get(key) and not re.fullmatch(form, values[key])]


def needs(environment: TargetEnvironment, platform: StackTemplate) -> tuple[SecretNeeded, ...]:
    """List the secrets that an environment has: Twilio's, Daily's, and Open-Meteo's where one is named."""
    folder = environment.parameters.get("SecretsFolder") or platform.default("SecretsFolder")
    twilio = {"account_sid": "Twilio's Account SID (AC…)", "auth_token": "Twilio's Auth Token"}
    form = {"account_sid": r"AC[0-9a-fA-F]{32}"}
    rest = ("api_sid", "api_secret")
    weather = environment.parameters.get("WeatherSecretArn", "")
    return (
        SecretNeeded("phone", f"{folder}/twilio-credentials", "TwilioSecretArn", twilio, form, rest),
        SecretNeeded("web", f"{folder}/daily-api-key", "DailySecretArn", {"DAILY_API_KEY": "Daily's API key"}, {}),
        *([SecretNeeded("weather", weather, "WeatherSecretArn", _OPEN_METEO, {})] if weather else []),
    )


def read_by_services(environment: TargetEnvironment, platform: StackTemplate) -> tuple[SecretNeeded, ...]:
    """List the secrets that are read: a service that does not run needs no account at Twilio or Daily."""
    unread = set(SERVICES) - set(environment.services)
    return tuple(need for need in needs(environment, platform) if need.service not in unread)


def find(aws: Aws, environment: TargetEnvironment, need: SecretNeeded) -> Found | None:
    """Look for a secret, under the ARN that the environment names or under its name."""
    name = environment.parameters.get(need.parameter) or need.name
    try:
        described: Mapping[str, Any] = aws.secrets.describe_secret(SecretId=name)
    except ClientError as error:
        if code_of(error) == "ResourceNotFoundException":
            return None
        raise
    tags = {tag.get("Key"): tag.get("Value", "") for tag in described.get("Tags", [])}
    owner = tags.get(_OWNER, "")
    if "DeletedDate" in described:  # its values cannot be read meanwhile
        return Found(described["ARN"], owner, None, described["DeletedDate"])
    return Found(described["ARN"], owner, read(aws, described["ARN"]), key=described.get("KmsKeyId", ""))


def read(aws: Aws, arn: str) -> dict[str, str] | None:
    """Read the values; None where we may not. They go no further than to Twilio and to a caller's signature."""
    try:
        # A secret of bytes has no text. ECS cannot take a key from it either.
        values = json.loads(aws.secrets.get_secret_value(SecretId=arn).get("SecretString", ""))
    except ClientError as error:
        if code_of(error) in {"AccessDeniedException", "AccessDenied"}:
            return None
        if code_of(error) == "ResourceNotFoundException":
            return {}
        raise
    except ValueError:
        return {}
    # ECS would write a null as "<nil>".
    given = values if isinstance(values, dict) else {}
    return {key: str(value) for key, value in given.items() if value is not None}


def signing(values: Mapping[str, str]) -> dict[str, str]:
    """Return Twilio's values with the one token that signs: while a token is replaced, the secret has two."""
    token = values.get("auth_token", "").partition(",")[0].strip()
    return {**values, "auth_token": token} if "auth_token" in values else dict(values)


def may_decrypt(key: str, granted: str) -> bool:
    """Tell whether the granted key, an ARN, is the one of a secret: an ARN, an id, or an alias that hides which."""
    if ":alias/" in key or key.startswith("alias/"):
        return bool(granted) or key.endswith("alias/aws/secretsmanager")
    return granted.rpartition("/")[2] == key.rpartition("/")[2]


def fill(aws: Aws, found: Found, need: SecretNeeded, values: Mapping[str, str]) -> None:
    """Put values into a secret, beside those that it has, and empty ones for the keys that it lacks."""
    merged = {**dict.fromkeys(need.every_key, ""), **(found.values or {}), **values}
    aws.secrets.put_secret_value(SecretId=found.arn, SecretString=json.dumps(merged))


def how_to_restore(region: str, found: Found, need: SecretNeeded) -> str:
    """Return the command that takes back a deletion that is only scheduled."""
    return f"$ aws secretsmanager restore-secret --region {region} --secret-id {found.called(need)}"


def how_to_fill(region: str, found: Found, need: SecretNeeded) -> list[str]:
    """Tell how to do it by hand; the values go through a file, since a shell remembers what is typed.

    What is written replaces everything, so every key is shown: "…" for a value, "" for one that may stay empty.
    """
    kept = [key for key, value in (found.values or {}).items() if value]
    shape = {**dict.fromkeys(need.may_be_empty, ""), **dict.fromkeys([*kept, *need.keys], "…")}
    text = json.dumps(dict(sorted(shape.items())), ensure_ascii=False)
    file = f"{need.parameter.removesuffix('SecretArn').lower()}.json"
    command = f"aws secretsmanager put-secret-value --region {region} --secret-id {found.called(need)}"
    return [f"write {text} to {file}, then", f"$ {command} --secret-string file://{file}"]
