"""One-time tickets that let one call open one media stream.

The webhook's answer carries a ticket and ``start`` brings it back. The load balancer may hand the socket to another
task than the one that answered the webhook, so a ticket proves itself: any task that knows the AuthToken can check it.

A ticket is base64 of version, expiry, nonce, digest of account, call and what else ``start`` brings back with it (which
stream of the call it is, the number to show), and an HMAC-SHA256 over all of these.
That it is used once is kept by the task that redeems it. Two tasks could each take the same stolen ticket within its
lifetime; the thief would also need the account's and the call's id and a signed handshake. Where tasks remember
calls together (``CALL_STORE``), they also tell each other which tickets were used.
"""

import hmac
import secrets as random_source
import time
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from struct import Struct
from typing import Final, Literal, Self

from cachetools import TTLCache
from pydantic import SecretStr

from agent_core.adapters.call_store.seal import derive_key
from agent_core.errors import ConfigurationError, Forbidden
from phone_agent.resume_action import MAX_PARTS

type TicketFault = Literal["missing", "malformed", "forged", "expired", "foreign", "replayed"]

_BODY: Final = Struct(">BQ16s32s")
"""Version, expiry in unix milliseconds, nonce, digest of account and call."""
_VERSION: Final = 1
_MAC_BYTES: Final = 32
_TICKET_CHARACTERS: Final = 120
"""89 bytes in base64; ``<Parameter>`` allows 500 for name and value together."""
_LABEL: Final = b"phone-agent media stream ticket v1"
_SECRET_BYTES: Final = 16
_SKEW_SECONDS: Final = 5.0
"""How far the clocks of two tasks may differ. Amazon Time Sync keeps them within milliseconds."""


class StreamTokenRejected(Forbidden):
    """The ticket does not open this stream.

    Args:
        fault: What is wrong with it. A caller is never told; it goes to the log.
    """

    def __init__(self, fault: TicketFault) -> None:
        super().__init__(f"ticket_{fault}")
        self.fault: TicketFault = fault


@dataclass(frozen=True, slots=True)
class StreamToken:
    """A ticket that was redeemed.

    Attributes:
        nonce: 128 random bits in hexadecimal.
        call_sid: The call that it was made for.
        expires_at: Unix seconds.
        part: Which stream of the call it opens.
    """

    nonce: str
    call_sid: str
    expires_at: float
    part: int


class StreamTokenIssuer:
    """Issues tickets and redeems each of them once.

    Args:
        secrets: Keys that are accepted; the first one signs.
        lifetime: Until when a ticket may be redeemed. Twilio needs about a second.
        clock: Unix seconds. Wall time, for tasks have no other clock in common.
        remembered: Tickets kept in mind at once, about 5 MB. Reached at 270 signed calls a second, far beyond what a
            task admits.

    Raises:
        ValueError: no key, or one that is too short to be a key.
    """

    def __init__(
        self,
        secrets: Sequence[bytes],
        *,
        lifetime: timedelta = timedelta(seconds=60),
        clock: Callable[[], float] = time.time,
        remembered: int = 16_384,
    ) -> None:
        if not secrets or any(len(secret) < _SECRET_BYTES for secret in secrets):
            raise ValueError(f"at least one key is needed, and each of at least {_SECRET_BYTES} bytes")
        self._secrets = tuple(secrets)
        self._lifetime = lifetime.total_seconds()
        self._clock = clock
        self._issued: TTLCache[tuple[str, str, int, str | None], str] = TTLCache(
            remembered, self._lifetime, timer=clock
        )
        # Longer than any ticket that is accepted can still be shown.
        self._used: TTLCache[bytes, None] = TTLCache(remembered, self._lifetime + 2 * _SKEW_SECONDS, timer=clock)

    @classmethod
    def from_auth_tokens(
        cls,
        auth_tokens: Sequence[SecretStr | str],
        *,
        lifetime: timedelta = timedelta(seconds=60),
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Make an office whose keys come from the AuthTokens, so that no further secret has to be handed out.

        Raises:
            ConfigurationError: a token is empty: anybody could derive its key.
        """
        plain = [token.get_secret_value() if isinstance(token, SecretStr) else token for token in auth_tokens]
        if not all(plain):
            raise ConfigurationError("TWILIO_AUTH_TOKEN: no token may be empty")
        return cls([derive_key(token.encode(), _LABEL) for token in plain], lifetime=lifetime, clock=clock)

    def issue(self, call_sid: str, account_sid: str, part: int = 0, caller_id: str | None = None) -> str:
        """Make a new ticket for this call: when a call that had one returns to the agent."""
        return self._sign(_owner(call_sid, account_sid, part, caller_id), self._clock() + self._lifetime)

    def for_call(self, call_sid: str, account_sid: str, part: int = 0, caller_id: str | None = None) -> str:
        """Give this call's ticket, the same one for as long as it is valid.

        Webhooks may come twice, and a captured one can be sent again: its signature has no date.

        Args:
            call_sid: The call.
            account_sid: Whose it is.
            part: Which of its streams the ticket is for; each has its own.
            caller_id: Number of ours that the stream's start brings back.
        """
        call = (account_sid, call_sid, part, caller_id)
        ticket = self._issued.get(call)
        if ticket is None:
            ticket = self._issued[call] = self.issue(call_sid, account_sid, part, caller_id)
        return ticket

    def redeem(self, ticket: str | None, call_sid: str, account_sid: str, caller_id: str | None = None) -> StreamToken:
        """Accept a ticket for a stream of this call, once; the ticket says which, whatever ``start`` says of it.

        Raises:
            StreamTokenRejected: it is not there, not ours, not for this stream, too old, or was used before.
        """
        body = self._authentic(ticket)
        _, expires_ms, nonce, owner = _BODY.unpack(body)
        owners = [_owner(call_sid, account_sid, part, caller_id) for part in range(MAX_PARTS + 1)]
        matches = [part for part, known in enumerate(owners) if hmac.compare_digest(owner, known)]
        if not matches:
            raise StreamTokenRejected("foreign")
        now, expires_at = self._clock(), expires_ms / 1000
        # The second half: whoever's clock went wrong, no ticket lives longer than its lifetime.
        if expires_at < now or expires_at > now + self._lifetime + _SKEW_SECONDS:
            raise StreamTokenRejected("expired")
        if nonce in self._used:
            raise StreamTokenRejected("replayed")
        self._used[nonce] = None
        return StreamToken(nonce.hex(), call_sid, expires_at, matches[0])

    def _sign(self, owner: bytes, expires_at: float) -> str:
        nonce = random_source.token_bytes(16)
        body = _BODY.pack(_VERSION, int(expires_at * 1000), nonce, owner)
        return b64encode(body + hmac.digest(self._secrets[0], body, "sha256")).decode("ascii")

    def _authentic(self, ticket: str | None) -> bytes:
        """Check form and HMAC, and return the part that was signed."""
        if not ticket:
            raise StreamTokenRejected("missing")
        if len(ticket) != _TICKET_CHARACTERS:
            raise StreamTokenRejected("malformed")
        try:
            raw = a2b_base64(ticket, strict_mode=True)
        except ValueError:
            raise StreamTokenRejected("malformed") from None
        body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if len(body) != _BODY.size or body[0] != _VERSION:
            raise StreamTokenRejected("malformed")
        matches = [hmac.compare_digest(hmac.digest(secret, body, "sha256"), mac) for secret in self._secrets]
        if not any(matches):
            raise StreamTokenRejected("forged")
        return body


def _owner(call_sid: str, account_sid: str, part: int, caller_id: str | None) -> bytes:
    """Digest all that a ticket vouches for. The lengths keep one from borrowing characters of the other.

    An ordinary first stream adds nothing, so that tasks of the version before can redeem its ticket during an update.
    """
    text = f"{len(account_sid)}:{account_sid}{call_sid}"
    if part or caller_id is not None:
        text = f"{len(text)}:{text}/{part}/{caller_id or ''}"
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
