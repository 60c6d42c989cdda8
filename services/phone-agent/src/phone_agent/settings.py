"""What an operator of the phone service can turn, beside what both services share."""

from datetime import timedelta
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, HttpUrl, SecretStr, model_validator

from agent_core.destinations import check_address
from agent_core.errors import ConfigurationError
from agent_core.settings import CoreSettings
from phone_agent.accepting import Accept
from phone_agent.caller import NUMBER

EDGES: Final = {"us1": "ashburn", "ie1": "dublin", "au1": "sydney"}
"""The edge beside each of Twilio's regions. (twilio.com/docs/global-infrastructure/api-domain-migration-guide)"""


class PhoneSettings(CoreSettings):
    """Settings of the phone service."""

    twilio_account_sid: Annotated[str, Field(pattern="^AC[0-9a-fA-F]{32}$")]
    """Account whose calls are answered."""
    twilio_auth_token: SecretStr
    """Verifies webhooks and streams. Comma-separated during rotation; the active token first."""
    twilio_shared_keys: SecretStr | None = None
    """Shared keys that sign instead of the AuthToken where the account is set so: ``id:secret``, separated by commas.
    The AuthToken is still needed: Twilio signs with it until a shared key is switched on."""
    twilio_api_sid: str | None = None
    """API key for REST; without one, the account's own token is used."""
    twilio_api_secret: SecretStr | None = None
    """Secret of the API key."""
    twilio_region: Annotated[str, Field(pattern="^[a-z]{2}[0-9]$")] | None = None
    """Region of the calls, such as ``ie1`` or ``au1``, if it is not ``us1``. Calls of one region are unknown in every
    other, and credentials belong to one."""
    twilio_edge: Annotated[str, Field(pattern="^[a-z]+(-[a-z]+)*$")] | None = None
    """Where requests enter Twilio's network, such as ``dublin``. Without it, the region's own edge is used."""
    twilio_api_base_url: HttpUrl | None = None
    """Another address for Twilio's REST API, such as a stand-in's; takes precedence over region and edge."""
    transfer_ring_seconds: Annotated[int, Field(ge=5, le=60)] = 20
    """How long each address of a person rings before the next one does, or the caller returns to the agent."""
    transfer_caller_id: Annotated[str, Field(pattern=f"^{NUMBER.pattern}$")] | None = None
    """Number that transfer destinations see, as ``+`` and digits: one of the Twilio account, or verified by it.
    Without it, they see the caller's, and the called number if the caller has none (SIP, apps, withheld)."""
    transfer_accept: Accept = Accept.AUTO
    """Who must press 1 before the caller is connected, so that a voicemail never gets a caller: ``auto``, people at
    ``tel:`` addresses; ``key``, all; ``none``, none. A PBX at a ``sip:`` address, and an app at a ``client:`` address,
    know who has answered."""
    fallback_destination: Annotated[str, AfterValidator(check_address)] | None = None
    """Person to whom Twilio connects the caller when the agent is lost: ``sip:…``, ``tel:…`` or ``client:…``. Without
    it, Twilio apologizes and hangs up."""
    media_frame_ms: Annotated[int, Field(ge=20, le=100, multiple_of=20)] = 40
    """Length of the packets to the model: a longer one costs less and adds up to that much delay."""

    @model_validator(mode="after")
    def _names_an_edge(self) -> Self:
        """Refuse a region whose edge is not known."""
        if self.twilio_region not in {None, *EDGES} and self.twilio_edge is None:
            raise ValueError("TWILIO_EDGE: name the edge of this TWILIO_REGION")
        return self

    @model_validator(mode="after")
    def _has_a_whole_api_key(self) -> Self:
        """Refuse half an API key: REST would go on with the account's own token, which the key was to replace."""
        if bool(self.twilio_api_sid) != bool(self.twilio_api_secret):
            raise ValueError("TWILIO_API_SID and TWILIO_API_SECRET: set both, or neither")
        return self

    @property
    def twilio_api(self) -> str:
        """Base URL of Twilio's REST service."""
        if self.twilio_api_base_url is not None:
            return str(self.twilio_api_base_url).rstrip("/")
        if self.twilio_region is None and self.twilio_edge is None:
            return "https://api.twilio.com"
        region = self.twilio_region or "us1"
        return f"https://api.{self.twilio_edge or EDGES[region]}.{region}.twilio.com"

    @property
    def transfer_ring(self) -> timedelta:
        """``transfer_ring_seconds`` as a time."""
        return timedelta(seconds=self.transfer_ring_seconds)

    @property
    def auth_tokens(self) -> list[str]:
        """Every AuthToken that may sign now.

        Raises:
            ConfigurationError: there is none.
        """
        tokens = [token.strip() for token in self.twilio_auth_token.get_secret_value().split(",")]
        if not all(tokens):
            raise ConfigurationError("set TWILIO_AUTH_TOKEN: it signs every webhook and may not be empty")
        return tokens

    @property
    def shared_keys(self) -> dict[str, str]:
        """Secrets of the shared keys by their ids.

        Raises:
            ConfigurationError: an entry is none.
        """
        if self.twilio_shared_keys is None:
            return {}
        entries = [entry.strip().partition(":") for entry in self.twilio_shared_keys.get_secret_value().split(",")]
        if not all(key and secret for key, _, secret in entries):
            raise ConfigurationError("TWILIO_SHARED_KEYS: each entry is id:secret, separated by commas")
        return {key: secret for key, _, secret in entries}

    @property
    def rest_credentials(self) -> tuple[str, str]:
        """User and password for REST."""
        if self.twilio_api_sid and self.twilio_api_secret:
            return self.twilio_api_sid, self.twilio_api_secret.get_secret_value()
        return self.twilio_account_sid, self.auth_tokens[0]
