"""Manages the secrets of Twilio, Daily, Open-Meteo and agents: whether they exist, who owns them, what they lack.

ECS does not start a task whose definition names a key that the secret's JSON lacks; it accepts an empty value. A secret
must therefore have every key that service.yaml names, including those that may stay empty.
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

# Values that people leave in examples count as empty.
_EMPTY: Final = re.compile(r"|<.*>|change-?me|placeholder|todo|x+", re.IGNORECASE)
_OPEN_METEO: Final = {"OPEN_METEO_API_KEY": "Open-Meteo's API key"}
_CALL_ME: Final = {
    "account_sid": "Twilio's Account SID (AC…)",
    "api_sid": "SID of the API key that may only create calls (SK…)",
    "api_secret": "secret of this API key",
}
_CALL_ME_FORM: Final = {"account_sid": r"AC[0-9a-fA-F]{32}", "api_sid": r"SK[0-9a-fA-F]{32}"}
KEY_PARAMETER: Final = "SecretsKeyArn"
"""Parameter of permissions.yaml: the only customer-managed KMS key that the services may decrypt secrets with."""
_OWNER: Final = "aws:cloudformation:stack-name"


@dataclass(frozen=True)
class SecretNeeded:
    """A secret that a service reads at start."""

    service: str
    name: str
    parameter: str
    """Template parameter for the ARN of an existing secret."""
    keys: Mapping[str, str]
    """Keys that must have a value, with the label to ask the operator for it."""
    form: Mapping[str, str]
    """Regular expressions that values must match, where their form is known."""
    may_be_empty: tuple[str, ...] = ()
    """Keys that must exist, with or without a value."""

    @property
    def every_key(self) -> tuple[str, ...]:
        """All keys that service.yaml names."""
        return (*self.keys, *self.may_be_empty)


@dataclass(frozen=True)
class Found:
    """A secret in AWS."""

    arn: str
    owner: str
    """The stack that created it; empty if it was created by hand."""
    values: Mapping[str, str] | None
    """None without permission to read them."""
    deleted_on: datetime | None = None
    """When its deletion was scheduled. Until it is gone, it has no values and its name cannot be used again."""
    key: str = ""
    """The customer-managed KMS key that encrypts it; empty for AWS's own key."""

    def called(self, need: SecretNeeded) -> str:
        """Return how to refer to it: by the environment's name for it, or by the ARN of an existing secret."""
        return need.name if f":secret:{need.name}-" in self.arn else self.arn

    def lacks(self, need: SecretNeeded) -> list[str]:
        """Return the keys that have no value yet."""
        # Without permission to read, every key would count as missing, so callers check `values` for None first.
        return [key for key in need.keys if _EMPTY.fullmatch((self.values or {}).get(key, "").strip())]

    def misses(self, need: SecretNeeded) -> list[str]:
        """Return the keys that are missing, although they may be empty."""
        return [key for key in need.may_be_empty if key not in (self.values or {})]

    def wrong(self, need: SecretNeeded) -> list[str]:
        """Return the keys whose values do not match their form."""
        values = self.values or {}
        return [key for key, form in need.form.items() if values.get(key) and not re.fullmatch(form, values[key])]


def needs(environment: TargetEnvironment, platform: StackTemplate) -> tuple[SecretNeeded, ...]:
    """Return the secrets of an environment: Twilio's, Daily's, and those for optional features that are configured."""
    # The order decides in which order the operator is asked.
    folder = environment.parameters.get("SecretsFolder") or platform.default("SecretsFolder")
    twilio = {"account_sid": "Twilio's Account SID (AC…)", "auth_token": "Twilio's Auth Token"}
    form = {"account_sid": r"AC[0-9a-fA-F]{32}"}
    # An API key is optional: REST calls then use the Auth Token.
    rest = ("api_sid", "api_secret")
    weather = environment.parameters.get("WeatherSecretArn", "")
    call_me = environment.parameters.get("CallMeSecretArn", "")
    agents = environment.parameters.get("AgentSecretArn", "")
    return (
        SecretNeeded("phone", f"{folder}/twilio-credentials", "TwilioSecretArn", twilio, form, rest),
        SecretNeeded("web", f"{folder}/daily-api-key", "DailySecretArn", {"DAILY_API_KEY": "Daily's API key"}, {}),
        *([SecretNeeded("call-me", call_me, "CallMeSecretArn", _CALL_ME, _CALL_ME_FORM)] if call_me else []),
        *([SecretNeeded("weather", weather, "WeatherSecretArn", _OPEN_METEO, {})] if weather else []),
        # Its keys are the agents' matter: one that lacks a secret is disabled, and the others answer.
        *([SecretNeeded("agents", agents, "AgentSecretArn", {}, {})] if agents else []),
    )


def read_by_services(environment: TargetEnvironment, platform: StackTemplate) -> tuple[SecretNeeded, ...]:
    """Return the secrets that are read: a service that does not run needs no account at Twilio or Daily."""
    unread = set(SERVICES) - set(environment.services)
    unread |= {"call-me"} if "web" in unread else set()
    return tuple(need for need in needs(environment, platform) if need.service not in unread)


def find(aws: Aws, environment: TargetEnvironment, need: SecretNeeded) -> Found | None:
    """Look up a secret by the ARN that the environment names, or by its name."""
    # describe_secret accepts an ARN as well as a name.
    name = environment.parameters.get(need.parameter) or need.name
    try:
        described: Mapping[str, Any] = aws.secrets.describe_secret(SecretId=name)
    except ClientError as error:
        if code_of(error) == "ResourceNotFoundException":
            return None
        raise
    tags = {tag.get("Key"): tag.get("Value", "") for tag in described.get("Tags", [])}
    # CloudFormation tags its resources; a secret created by hand has no such tag.
    owner = tags.get(_OWNER, "")
    if "DeletedDate" in described:  # until it is restored, its values cannot be read
        return Found(described["ARN"], owner, None, described["DeletedDate"])
    return Found(described["ARN"], owner, read(aws, described["ARN"]), key=described.get("KmsKeyId", ""))


def read(aws: Aws, arn: str) -> dict[str, str] | None:
    """Return a secret's values; None without permission. They are used only for Twilio's API and to sign test calls."""
    try:
        # A binary secret has no string, and ECS cannot read a key from it either.
        values = json.loads(aws.secrets.get_secret_value(SecretId=arn).get("SecretString", ""))
    except ClientError as error:
        if code_of(error) in {"AccessDeniedException", "AccessDenied"}:
            # Without permission a deployment is still possible: the service itself checks its values at the start.
            return None
        if code_of(error) == "ResourceNotFoundException":
            return {}
        raise
    except ValueError:
        return {}
    # Drop nulls: ECS would pass one to the container as "<nil>".
    given = values if isinstance(values, dict) else {}
    return {key: str(value) for key, value in given.items() if value is not None}


def signing(values: Mapping[str, str]) -> dict[str, str]:
    """Return Twilio's values with the active token only: during rotation, the secret has two, the active one first."""
    token = values.get("auth_token", "").partition(",")[0].strip()
    return {**values, "auth_token": token} if "auth_token" in values else dict(values)


def may_decrypt(key: str, granted: str) -> bool:
    """Return whether the granted key ARN matches a secret's key, which may be an ARN, an ID, or an opaque alias."""
    # An alias does not tell its key, so any granted key may be the right one.
    if ":alias/" in key or key.startswith("alias/"):
        return bool(granted) or key.endswith("alias/aws/secretsmanager")
    return granted.rpartition("/")[2] == key.rpartition("/")[2]


def fill(aws: Aws, found: Found, need: SecretNeeded, values: Mapping[str, str]) -> None:
    """Write values into a secret, keeping its other values, and adding empty ones for missing keys."""
    # Later entries win: new values over stored ones, stored ones over empty ones.
    merged = {**dict.fromkeys(need.every_key, ""), **(found.values or {}), **values}
    aws.secrets.put_secret_value(SecretId=found.arn, SecretString=json.dumps(merged))


def how_to_restore(region: str, found: Found, need: SecretNeeded) -> str:
    """Return the command that cancels a scheduled deletion."""
    return f"$ aws secretsmanager restore-secret --region {region} --secret-id {found.called(need)}"


def how_to_fill(region: str, found: Found, need: SecretNeeded) -> list[str]:
    """Return the commands that set the values by hand; through a file, because shells record what is typed.

    The command replaces the whole secret, so the JSON shows every key: "…" for a value, "" where it may stay empty.
    """
    # Existing values are shown as "…" too: the command would otherwise delete them.
    kept = [key for key, value in (found.values or {}).items() if value]
    shape = {**dict.fromkeys(need.may_be_empty, ""), **dict.fromkeys([*kept, *need.keys], "…")}
    text = json.dumps(dict(sorted(shape.items())), ensure_ascii=False)
    file = f"{need.parameter.removesuffix('SecretArn').lower()}.json"
    command = f"aws secretsmanager put-secret-value --region {region} --secret-id {found.called(need)}"
    return [f"write {text} to {file}, then", f"$ {command} --secret-string file://{file}"]
