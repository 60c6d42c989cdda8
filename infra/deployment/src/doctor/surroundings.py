"""What the checks look at: variables, the checkout, and the clients of AWS, made once for all of them."""

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
"""The edge beside each of Twilio's regions, as the phone service has it."""


def read_environment(root: Path) -> dict[str, str]:
    """Return the variables as the services see them: those of `.env`, and over them those of the process."""
    return {**variables_of_file(root / ".env"), **{name: value for name, value in os.environ.items() if value}}


@dataclass
class MachineState:
    """One look at one machine.

    Args:
        root: The checkout.
        environment: Variables.
        deployed: Name of a deployed environment to look at; empty for none.
        number: A telephone number to look at; empty for all of the account.
    """

    root: Path
    environment: Mapping[str, str]
    deployed: str = ""
    number: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _aws: Aws | None = None

    def get(self, name: str, default: str = "") -> str:
        """Return a variable."""
        return self.environment.get(name) or default

    @property
    def region(self) -> str:
        """Where everything but the model is."""
        return self.get("AWS_REGION", "us-east-1")

    @property
    def model_region(self) -> str:
        """Where the model is asked."""
        return self.get("NOVA_SONIC_REGION", self.region)

    @property
    def model(self) -> str:
        """Bedrock's id of the model.

        Raises:
            ConfigurationError: the region offers none.
        """
        return generations.model_for(self.get("NOVA_SONIC_MODEL_ID", generations.NEWEST), self.model_region)

    @property
    def aws(self) -> Aws:
        """The clients of AWS.

        Raises:
            BotoCoreError: the profile or its file is wrong.
        """
        with self._lock:
            if self._aws is None:
                self._aws = Aws(self.region, self.model_region, boto3.Session())
            return self._aws

    @property
    def public_url(self) -> str:
        """How the outside reaches the services; empty where that is not set."""
        url = self.get("PUBLIC_BASE_URL").rstrip("/")
        return "" if url.startswith(("http://127.", "http://localhost")) else url

    @property
    def webhook(self) -> str:
        """What a number of ours asks; empty where that is not known."""
        return f"{self.public_url}/incoming-call" if self.public_url else ""

    @property
    def twilio(self) -> Account | None:
        """The account at Twilio; None where none is set."""
        sid = self.get("TWILIO_ACCOUNT_SID")
        names = {"auth_token": "TWILIO_AUTH_TOKEN", "api_sid": "TWILIO_API_SID", "api_secret": "TWILIO_API_SECRET"}
        secret = {key: self.get(name) for key, name in names.items()}
        return Account.of({"account_sid": sid, **secret}) if sid else None

    @property
    def twilio_api(self) -> str:
        """Where Twilio's REST interface is, as the phone service works it out."""
        if url := self.get("TWILIO_API_BASE_URL"):
            return url.rstrip("/")
        region, edge = self.get("TWILIO_REGION"), self.get("TWILIO_EDGE")
        if not region and not edge:
            return "https://api.twilio.com"
        region = region or "us1"
        return f"https://api.{edge or _EDGES.get(region, region)}.{region}.twilio.com"
