"""What an operator of the phone service can turn, beside what both services share."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, HttpUrl, SecretStr

from agent_core.adapters.call_store.choice import PATTERN
from agent_core.destinations import check_address
from agent_core.errors import ConfigurationError
from agent_core.settings import CoreSettings
from phone_agent.accepting import Accept


class PhoneSettings(CoreSettings):
    """Settings of the phone service."""

    twilio_account_sid: Annotated[str, Field(pattern="^AC[0-9a-fA-F]{32}$")]
    """Account whose calls are answered."""
    twilio_auth_token: SecretStr
    """Signs webhooks and streams; several separated by commas while one is being replaced, the one in use first."""
    twilio_api_sid: str | None = None
    """API key for REST; without one the account's own token is used."""
    twilio_api_secret: SecretStr | None = None
    """Secret of the API key."""
    twilio_api_base_url: HttpUrl = HttpUrl("https://api.twilio.com")
    """REST service."""
    transfer_ring_seconds: Annotated[int, Field(ge=5, le=60)] = 20
    """How long a person is rung before the caller comes back to the agent."""
    transfer_accept: Accept = Accept.AUTO
    """Who has to press a key before the caller is connected, so that a voicemail never gets a caller: ``auto``, people
    at ``tel:`` addresses; ``key``, everybody; ``none``, no one. A PBX at a ``sip:`` address knows who has answered."""
    fallback_destination: Annotated[str, AfterValidator(check_address)] | None = None
    """Whom a caller is put through to when the agent is lost: ``sip:…`` or ``tel:…``. None says sorry and hangs up."""
    call_store: Annotated[str, Field(pattern=PATTERN)] = "none"
    """Where calls are remembered while they go on, so that another task can take up one whose task has died:
    ``none``, ``file:<folder>`` (one machine; tasks share the folder) or ``dynamodb:<table>``. Sealed with keys from
    the AuthTokens; its words are gone when the call is over, and an hour after the last of them whatever happens.
    `make run` uses ``file:.run/calls``; in a container the folder must be a volume or a tmpfs that the service may
    write to."""
    aws_endpoint_url_dynamodb: HttpUrl | None = None
    """Another address for DynamoDB, for a VPC endpoint or a stand-in."""
    media_frame_ms: Annotated[int, Field(ge=20, le=100, multiple_of=20)] = 40
    """Length of the packets to the model: longer costs less and adds up to as much delay."""

    @property
    def transfer_ring(self) -> timedelta:
        """``transfer_ring_seconds`` as a time."""
        return timedelta(seconds=self.transfer_ring_seconds)

    @property
    def table_endpoint(self) -> str | None:
        """Base URL of DynamoDB, where it is not AWS's own."""
        return str(self.aws_endpoint_url_dynamodb).rstrip("/") if self.aws_endpoint_url_dynamodb else None

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
    def rest_credentials(self) -> tuple[str, str]:
        """User and password for REST."""
        if self.twilio_api_sid and self.twilio_api_secret:
            return self.twilio_api_sid, self.twilio_api_secret.get_secret_value()
        return self.twilio_account_sid, self.auth_tokens[0]
