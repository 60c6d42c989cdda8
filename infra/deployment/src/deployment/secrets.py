"""The secrets of Twilio and Daily: whether they are there, whose they are, whether they have values."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import ClientError

from deployment.aws import Aws, code_of
from deployment.environment import Environment
from deployment.template import Template

_EMPTY: Final = re.compile(r"|<.*>|change-?me|placeholder|todo|x+", re.IGNORECASE)
_OWNER: Final = "aws:cloudformation:stack-name"


@dataclass(frozen=True)
class Need:
    """A secret that a service reads when it starts."""

    service: str
    name: str
    parameter: str
    """Of platform.yaml: the ARN of one that is there already."""
    keys: Mapping[str, str]
    """What it must hold, and what to ask a person for."""
    form: Mapping[str, str]
    """What a value must look like, where that is known."""


@dataclass(frozen=True)
class Found:
    """A secret as it is."""

    arn: str
    owner: str
    """The stack that made it; empty if a person did."""
    values: Mapping[str, str] | None
    """None where we may not read them."""

    def lacks(self, need: Need) -> list[str]:
        """List the keys that have no value yet."""
        return [key for key in need.keys if _EMPTY.fullmatch((self.values or {}).get(key, "").strip())]

    def wrong(self, need: Need) -> list[str]:
        """List the keys whose values cannot be right."""
        values = self.values or {}
        return [key for key, form in need.form.items() if values.get(key) and not re.fullmatch(form, values[key])]


def needs(environment: Environment, platform: Template) -> tuple[Need, Need]:
    """Tell which secrets an environment has."""
    folder = environment.parameters.get("SecretsFolder") or platform.default("SecretsFolder")
    twilio = {"account_sid": "Twilio's Account SID (AC…)", "auth_token": "Twilio's Auth Token"}
    return (
        Need("phone", f"{folder}/twilio-credentials", "TwilioSecretArn", twilio, {"account_sid": r"AC[0-9a-fA-F]{32}"}),
        Need("web", f"{folder}/daily-api-key", "DailySecretArn", {"DAILY_API_KEY": "Daily's API key"}, {}),
    )


def find(aws: Aws, environment: Environment, need: Need) -> Found | None:
    """Look for a secret, under the ARN that the environment names or under its name."""
    name = environment.parameters.get(need.parameter) or need.name
    try:
        described = aws.secrets.describe_secret(SecretId=name)
    except ClientError as error:
        if code_of(error) == "ResourceNotFoundException":
            return None
        raise
    tags = {tag.get("Key"): tag.get("Value", "") for tag in described.get("Tags", [])}
    return Found(described["ARN"], tags.get(_OWNER, ""), read(aws, described["ARN"]))


def read(aws: Aws, arn: str) -> dict[str, str] | None:
    """Read the values; None where we may not. They go no further than to Twilio and to a caller's signature."""
    try:
        text = aws.secrets.get_secret_value(SecretId=arn)["SecretString"]
        values = json.loads(text)
    except ClientError as error:
        if code_of(error) in {"AccessDeniedException", "AccessDenied"}:
            return None
        if code_of(error) == "ResourceNotFoundException":
            return {}
        raise
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in values.items()} if isinstance(values, dict) else {}


def fill(aws: Aws, found: Found, values: Mapping[str, str]) -> None:
    """Put values into a secret, beside those that it has."""
    merged = {**(found.values or {}), **values}
    aws.secrets.put_secret_value(SecretId=found.arn, SecretString=json.dumps(merged))


def how_to_fill(region: str, found: Found, need: Need) -> list[str]:
    """Tell how to do it by hand; the values go through a file, since a shell remembers what is typed."""
    shape = json.dumps(dict.fromkeys([*(found.values or {}), *need.keys], "…"), ensure_ascii=False)
    file = f"{need.name.rpartition('/')[2]}.json"
    command = f"aws secretsmanager put-secret-value --region {region} --secret-id {need.name}"
    return [f"write {shape} to {file}, then", f"$ {command} --secret-string file://{file}"]
