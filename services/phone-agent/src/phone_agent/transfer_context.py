"""Encrypt the context of a transfer into the callback URLs that Twilio requests.

Any task may receive the whisper request, and any may get the caller back. The URL therefore carries the context itself,
encrypted: URLs appear in access logs, and a summary contains what a caller said.
"""

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

from agent_core.adapters.call_store.seal import DecryptionError, Seal, derive_key
from agent_core.cutting import last_bytes
from agent_core.errors import Forbidden

_LABEL: Final = b"phone-agent transfer note v1"
_MAX_CHARACTERS: Final = 2000
SOON: Final = timedelta(minutes=5)
"""Lifetime for the person who answers, or for a stream about to open: Twilio rings for a minute at most."""
AFTER_THE_TALK: Final = timedelta(hours=4, minutes=5)
"""Lifetime for what Twilio requests after the two have talked: it ends their call after 4 h (``timeLimit`` of
``<Dial>``).
"""
LONG: Final = 600
"""Bytes of the summary in a whisper's URL: a whole document for Twilio has at most 4000 characters."""
SHORT: Final = 200
"""Bytes of the summary in a ``<Parameter>``, which has 500 characters for name and value."""


class TransferContextRejected(Forbidden):
    """The transfer context is not ours, for another call, or expired."""


@dataclass(frozen=True, slots=True)
class TransferContext:
    """What is known of a call that is transferred.

    Attributes:
        call_sid: The caller's call.
        destination: Name of the person called.
        summary: What the conversation was about.
        began_at: Unix seconds at which the call started, for the task that gets the caller back; 0 if unknown.
        about: What the person should hear first, from `agent_core.summary.about`; never cut.
        address: Which of the destination's addresses is called, from 0.
        asked_at: Unix seconds at which Twilio was requested to call the first of them.
        transfers: How often the caller has been transferred, including this time.
        agent: Folder name of the agent whose person is called; empty for the default one.
    """

    call_sid: str
    destination: str
    summary: str
    began_at: float = 0.0
    about: str = ""
    address: int = 0
    asked_at: float = 0.0
    transfers: int = 1
    agent: str = ""


class TransferContextCodec:
    """Encrypts and decrypts transfer contexts. A context is bound to one call and invalid for any other.

    Args:
        seal: Encrypts.
        clock: Unix seconds.
    """

    def __init__(self, seal: Seal, *, clock: Callable[[], float] = time.time) -> None:
        self._seal = seal
        self._clock = clock

    @classmethod
    def from_auth_tokens(cls, auth_tokens: Sequence[str], *, clock: Callable[[], float] = time.time) -> Self:
        """Return an instance with keys derived from the AuthTokens, so that no further secret must be distributed."""
        return cls(Seal([derive_key(token.encode(), _LABEL) for token in auth_tokens]), clock=clock)

    def seal(self, note: TransferContext, max_bytes: int = LONG, lifetime: timedelta = SOON) -> str:
        """Return a URL-safe text that any task can decrypt; the summary is cut to its last ``max_bytes``."""
        summary = last_bytes(note.summary, max_bytes)
        expires = int(self._clock() + lifetime.total_seconds())
        # A list without keys, because every byte counts in a URL.
        more = [int(note.began_at), note.about, note.address, round(note.asked_at, 1), note.transfers, note.agent]
        plain = json.dumps([expires, note.destination, summary, *more], ensure_ascii=False).encode()
        return urlsafe_b64encode(self._seal.close(note.call_sid, plain)).decode().rstrip("=")

    def open(self, text: str, call_sids: Sequence[str]) -> TransferContext:
        """Decrypt a transfer context that belongs to one of these calls.

        Raises:
            TransferContextRejected: it does not.
        """
        call_sid, plain = self._unsealed(text, call_sids)
        expires, destination, summary, *more = json.loads(plain)  # an older version may have written it
        if expires < self._clock():
            raise TransferContextRejected("note_expired")
        return TransferContext(call_sid, destination, summary, *more[:6])  # or a newer one

    def _unsealed(self, text: str, call_sids: Sequence[str]) -> tuple[str, bytes]:
        try:
            raw = urlsafe_b64decode(text[:_MAX_CHARACTERS] + "=" * (-len(text) % 4))
        except ValueError:
            raise TransferContextRejected("note_malformed") from None
        # The call's sid is authenticated but not in the text, so each candidate is tried.
        for call_sid in call_sids:
            try:
                return call_sid, self._seal.open(call_sid, raw)
            except DecryptionError:
                continue
        raise TransferContextRejected("note_foreign")
