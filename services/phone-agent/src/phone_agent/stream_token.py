"""Issue one-time tickets that each let one call open one media stream.

The webhook's response carries a ticket and ``start`` brings it back. The load balancer may route the WebSocket to
another task than the webhook, so a ticket is self-contained: any task that knows the AuthToken can verify it.

A ticket is base64 of version, expiry, nonce, a digest of account, call and what else ``start`` brings back (the number
of the call's stream, the number to show, the agent), and an HMAC-SHA256 over all of these. The redeeming task enforces
single use. Two tasks could each accept the same stolen ticket within its lifetime; the thief would also need the
account's and the call's id and a signed handshake. Tasks that share a store (``CALL_STORE``) also share which tickets
were used.
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
        fault: What is wrong with it. It is logged, never sent to the peer.
    """

    def __init__(self, fault: TicketFault) -> None:
        super().__init__(f"ticket_{fault}")
        self.fault: TicketFault = fault


@dataclass(frozen=True, slots=True)
class StreamToken:
    """A redeemed ticket.

    Attributes:
        nonce: 128 random bits in hexadecimal.
        call_sid: The call that it was issued for.
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
        secrets: Accepted keys; the first one signs.
        lifetime: How long a ticket is valid. Twilio needs about a second.
        clock: Unix seconds. Wall time, because tasks share no other clock.
        remembered: Most tickets kept in memory, about 5 MB. Reached at 270 signed calls a second, far beyond what a
            task admits.

    Raises:
        ValueError: there is no key, or one is too short.
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
        self._issued: TTLCache[tuple[str, str, int, str | None, str | None], str] = TTLCache(
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
        """Return an issuer with keys derived from the AuthTokens, so that no further secret must be distributed.

        Raises:
            ConfigurationError: a token is empty, so that its key could be derived by anyone.
        """
        plain = [token.get_secret_value() if isinstance(token, SecretStr) else token for token in auth_tokens]
        if not all(plain):
            raise ConfigurationError("TWILIO_AUTH_TOKEN: no token may be empty")
        return cls([derive_key(token.encode(), _LABEL) for token in plain], lifetime=lifetime, clock=clock)

    def for_call(
        self, call_sid: str, account_sid: str, part: int = 0, caller_id: str | None = None, agent: str | None = None
    ) -> str:
        """Return this call's ticket, the same one while it is valid.

        Webhooks may arrive twice, and a captured one can be replayed: its signature has no date.

        Args:
            call_sid: The call.
            account_sid: Its account.
            part: Which of its streams the ticket is for; each has its own.
            caller_id: Number of ours that the stream's start brings back.
            agent: Agent and version that it brings back.
        """
        call = (account_sid, call_sid, part, caller_id, agent)
        ticket = self._issued.get(call)
        if ticket is None:
            ticket = self._issued[call] = self._sign(
                _owner(call_sid, account_sid, part, caller_id, agent), self._clock() + self._lifetime
            )
        return ticket

    def redeem(
        self,
        ticket: str | None,
        call_sid: str,
        account_sid: str,
        caller_id: str | None = None,
        agent: str | None = None,
    ) -> StreamToken:
        """Redeem a ticket for a stream of this call, once; the ticket determines which, whatever ``start`` says.

        Raises:
            StreamTokenRejected: it is missing, not ours, not for this stream, expired, or was redeemed before.
        """
        body = self._authentic(ticket)
        _, expires_ms, nonce, owner = _BODY.unpack(body)
        # The part is not in the ticket's clear text, so each possible one is compared.
        owners = [_owner(call_sid, account_sid, part, caller_id, agent) for part in range(MAX_PARTS + 1)]
        matches = [part for part, known in enumerate(owners) if hmac.compare_digest(owner, known)]
        if not matches:
            raise StreamTokenRejected("foreign")
        now, expires_at = self._clock(), expires_ms / 1000
        # The second condition bounds the lifetime even if another task's clock was wrong.
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
        """Verify form and HMAC, and return the signed part."""
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
        # All keys are compared, so that the time does not reveal which one matched.
        matches = [hmac.compare_digest(hmac.digest(secret, body, "sha256"), mac) for secret in self._secrets]
        if not any(matches):
            raise StreamTokenRejected("forged")
        return body


def _owner(call_sid: str, account_sid: str, part: int, caller_id: str | None, agent: str | None) -> bytes:
    """Return a digest of everything that a ticket vouches for. The lengths prevent ambiguous concatenations.

    An ordinary first stream adds nothing, so that tasks of the previous version can redeem its ticket during a
    deployment.
    """
    text = f"{len(account_sid)}:{account_sid}{call_sid}"
    if part or caller_id is not None:
        text = f"{len(text)}:{text}/{part}/{caller_id or ''}"
    if agent is not None:
        text = f"{len(text)}:{text}/{agent}"
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
