"""The input of the checks: variables, the checkout, and AWS clients, created once for all checks."""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import boto3

from agent_core import generations
from agent_core.settings import variables_of_file
from deployment.aws import Aws
from deployment.number import Account

_EDGES = {"us1": "ashburn", "ie1": "dublin", "au1": "sydney"}
"""The edge of each Twilio region, as in the phone service."""


def read_environment(root: Path) -> dict[str, str]:
    """Return the variables as the services see them: those of `.env`, overridden by those of the process."""
    # An empty variable counts as unset, as in the services.
    return {**variables_of_file(root / ".env"), **{name: value for name, value in os.environ.items() if value}}


@dataclass
class MachineState:
    """Everything that the checks of one run read.

    Args:
        root: The checkout.
        environment: Variables.
        deployed: Name of a deployed environment to check; empty for none.
        number: A phone number to check; empty for all of the account.
    """

    root: Path
    environment: Mapping[str, str]
    deployed: str = ""
    number: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _aws: Aws | None = None

    def get(self, name: str, default: str = "") -> str:
        """Return a variable, or the default if it is unset or empty."""
        return self.environment.get(name) or default

    @property
    def region(self) -> str:
        """The region of everything except the model."""
        return self.get("AWS_REGION", "us-east-1")

    @property
    def model_region(self) -> str:
        """The region of the model."""
        return self.get("NOVA_SONIC_REGION", self.region)

    @property
    def model(self) -> str:
        """Bedrock ID of the model.

        Raises:
            ConfigurationError: The region offers none.
        """
        # "newest" is resolved like in a service, per region.
        return generations.model_for(self.get("NOVA_SONIC_MODEL_ID", generations.NEWEST), self.model_region)

    @property
    def aws(self) -> Aws:
        """AWS clients.

        Raises:
            BotoCoreError: The profile or its file is not valid.
        """
        # Checks run in threads, and creating a boto3 session is not thread-safe.
        with self._lock:
            if self._aws is None:
                self._aws = Aws(self.region, self.model_region, boto3.Session())
            return self._aws

    @property
    def public_url(self) -> str:
        """Public URL of the services; empty if it is unset or local."""
        url = self.get("PUBLIC_BASE_URL").rstrip("/")
        # Twilio cannot reach this machine's loopback addresses.
        return "" if url.startswith(("http://127.", "http://localhost")) else url

    @property
    def webhook(self) -> str:
        """Webhook URL that the numbers should have; empty if the public URL is unknown."""
        return f"{self.public_url}/incoming-call" if self.public_url else ""

    @property
    def twilio(self) -> Account | None:
        """The Twilio account; None if none is set."""
        sid = self.get("TWILIO_ACCOUNT_SID")
        names = {"auth_token": "TWILIO_AUTH_TOKEN", "api_sid": "TWILIO_API_SID", "api_secret": "TWILIO_API_SECRET"}
        secret = {key: self.get(name) for key, name in names.items()}
        return Account.of({"account_sid": sid, **secret}) if sid else None

    @property
    def twilio_api(self) -> str:
        """Base URL of Twilio's REST API, derived as in the phone service."""
        if url := self.get("TWILIO_API_BASE_URL"):
            return url.rstrip("/")
        region, edge = self.get("TWILIO_REGION"), self.get("TWILIO_EDGE")
        # Without region and edge, Twilio selects both.
        if not region and not edge:
            return "https://api.twilio.com"
        # Twilio's host names need both parts once one is given.
        region = region or "us1"
        return f"https://api.{edge or _EDGES.get(region, region)}.{region}.twilio.com"
