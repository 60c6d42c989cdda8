"""Settings of the Twilio stand-in."""

from dataclasses import dataclass, field
from typing import Final

from standins.twilio.signing import Signer

STANDIN_ACCOUNT: Final = "AC" + "5ca1ab1e" * 4
STANDIN_KEY: Final = "SK" + "5ca1ab1e" * 4


@dataclass(frozen=True)
class DialScript:
    """How callees behave. All of them are simulated, except SIP phones on this machine."""

    result: str = "completed"
    """`completed`, `busy`, `no-answer`, `failed` or `canceled`."""
    ring_seconds: float = 1.5
    """How long it rings before the callee answers or rejects; unanswered calls ring for the document's timeout."""
    presses: str = "1"
    """Keys that the callee presses at a `<Gather>`; empty for a voicemail."""
    press_seconds: float = 3.0
    """Delay of the keys after answering."""
    key_seconds: float = 0.2
    """Delay between two keys."""
    hangs_up_seconds: float | None = None
    """Delay after answering at which the callee hangs up instead, even during the whisper."""
    talk_seconds: float = 2.0
    """How long the call stays connected after the callee has spoken."""


@dataclass(frozen=True)
class ExchangeSettings:
    """Settings of the stand-in."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 selects a free port, which `TwilioExchange.port` returns."""
    account_sid: str = STANDIN_ACCOUNT
    auth_token: str = field(default="standin-auth-token", repr=False)
    """Signs webhooks and handshakes, and authenticates REST requests."""
    shared_key: str = field(default="", repr=False)
    """`id:secret` of a shared key that signs instead of the token; empty if none is enabled."""
    api_key_sid: str = STANDIN_KEY
    api_key_secret: str = field(default="standin-secret", repr=False)
    edge_header: tuple[str, str] | None = None
    """Name and value of a header that every webhook and handshake carries, to reach a canary."""
    numbers: tuple[str, ...] = ("+15005550001",)
    """Phone numbers of the account, whose webhooks can be updated."""
    fallback_url: str = ""
    """Requested if the webhook fails."""
    status_callback_url: str = ""
    """Notified when a call has ended."""
    webhook_seconds: float = 15.0
    """Twilio's limit for a webhook, including retries."""
    max_call_seconds: float = 4 * 3600
    """Twilio's limit for a call."""
    dial: DialScript = field(default_factory=DialScript)

    @property
    def signer(self) -> Signer:
        """Signs webhooks and handshakes."""
        key_id, _, secret = self.shared_key.partition(":")
        return Signer(self.auth_token, key_id, secret, self.edge_header)
