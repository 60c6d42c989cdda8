"""How an exchange is set up."""

from dataclasses import dataclass, field
from typing import Final

from standins.twilio.signing import Signer

STANDIN_ACCOUNT: Final = "AC" + "5ca1ab1e" * 4
STANDIN_KEY: Final = "SK" + "5ca1ab1e" * 4


@dataclass(frozen=True)
class DialScript:
    """How those who are dialled behave. Nobody is: the exchange has no way out to other networks."""

    result: str = "completed"
    """`completed`, `busy`, `no-answer`, `failed` or `canceled`."""
    ring_seconds: float = 1.5
    """How long it rings before somebody answers, refuses, or (if the document allows no less) nobody does."""
    presses: str = "1"
    """What the one who answers presses when a `<Gather>` asks for it; empty for a voicemail."""
    press_seconds: float = 3.0
    """How long after answering."""
    key_seconds: float = 0.2
    """Between two keys."""
    hangs_up_seconds: float | None = None
    """How long after answering they hang up instead, however far the whisper is."""
    talk_seconds: float = 2.0
    """How long the line stays open after whoever answers has spoken."""


@dataclass(frozen=True)
class ExchangeSettings:
    """All that an exchange can be told."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes any free port; `TwilioExchange.port` tells which."""
    account_sid: str = STANDIN_ACCOUNT
    auth_token: str = field(default="standin-auth-token", repr=False)
    """Signs webhooks and handshakes, and opens the REST interface."""
    shared_key: str = field(default="", repr=False)
    """`id:secret` of the shared key that signs instead of the token; empty where none is switched on."""
    api_key_sid: str = STANDIN_KEY
    api_key_secret: str = field(default="standin-secret", repr=False)
    edge_header: tuple[str, str] | None = None
    """A header that webhooks and handshakes carry, by name and value, to reach a version that is being tried."""
    numbers: tuple[str, ...] = ("+15005550001",)
    """The account's numbers, which can be told whom to ask."""
    fallback_url: str = ""
    """Asked when the number's own address fails."""
    status_callback_url: str = ""
    """Told when a call has ended."""
    webhook_seconds: float = 15.0
    """Twilio's limit for a webhook, all in all."""
    max_call_seconds: float = 4 * 3600
    """Twilio's own limit of a call."""
    dial: DialScript = field(default_factory=DialScript)

    @property
    def signer(self) -> Signer:
        """What signs webhooks and handshakes."""
        key_id, _, secret = self.shared_key.partition(":")
        return Signer(self.auth_token, key_id, secret, self.edge_header)
