"""AWS clients for one region, created once; every request has a deadline."""

from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

AwsFailure = (BotoCoreError, ClientError)
"""Every exception that a request to AWS can raise."""


class Aws:
    """The boto3 clients that a deployment needs.

    Credentials, profile and AWS_ENDPOINT_URL come from boto3's default chain.
    """

    def __init__(self, region: str, model_region: str, session: boto3.Session | None = None) -> None:
        session = session or boto3.Session()
        # Short timeouts, so that a wrong region or network is noticed before the operator gives up.
        config = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 3})
        self._session, self._config = session, config
        self.region = region
        self.model_region = model_region
        self.acm = session.client("acm", region, config=config)
        self.bedrock = session.client("bedrock", model_region, config=config)
        self.cloudformation = session.client("cloudformation", region, config=config)
        self.ecr = session.client("ecr", region, config=config)
        self.ecs = session.client("ecs", region, config=config)
        self.elb = session.client("elbv2", region, config=config)
        self.iam = session.client("iam", region, config=config)
        self.logs = session.client("logs", region, config=config)
        self.quotas = session.client("service-quotas", region, config=config)
        self.model_quotas = session.client("service-quotas", model_region, config=config)
        self.secrets = session.client("secretsmanager", region, config=config)
        self.sns = session.client("sns", region, config=config)
        self.sts = session.client("sts", region, config=config)
        self._registry: Callable[[str], Any] = lambda where: session.client("ecr", where, config=config)

    def registry_in(self, region: str) -> Any:  # noqa: ANN401 - boto3's client for ECR
        """Return the ECR client of a region; other accounts' registries use it too."""
        return self.ecr if region == self.region else self._registry(region)

    def quotas_of(self, region: str) -> Any:  # noqa: ANN401 - made from a description at run time
        """Return the Service Quotas client of another region."""
        return self._session.client("service-quotas", region, config=self._config)


def code_of(error: Exception) -> str:
    """Return AWS's error code, such as `AccessDenied`; empty if AWS sent no response."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def short(error: Exception) -> str:
    """Return the error as one line, without botocore's preamble."""
    if not isinstance(error, ClientError):
        return str(error).splitlines()[0] if str(error) else type(error).__name__
    message = str(error.response.get("Error", {}).get("Message", "")) or str(error)
    # Some services answer with a status code in place of an error code.
    if code_of(error).isdigit():
        return f"answered {code_of(error)}"
    return f"{code_of(error)}: {message.splitlines()[0]}"[:300]


def absent(ask: Callable[[], object], *codes: str) -> bool:
    """Call `ask`, and return whether AWS answered that the object does not exist.

    Raises:
        ClientError: AWS answered with another error code.
    """
    try:
        ask()
    except ClientError as error:
        if code_of(error) in codes:
            return True
        raise
    return False
