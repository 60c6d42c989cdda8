"""What one task tells another about a call that it puts through, sealed into the addresses that Twilio calls back.

Any task may be asked for the whisper, and any may get the caller back. So a note carries what it says, encrypted: an
address stands in access logs, and a summary tells what a caller said.
"""

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

from agent_core.adapters.call_store.seal import DecryptionError, Seal, derive_key
from agent_core.errors import Forbidden

_LABEL: Final = b"phone-agent transfer note v1"
_MAX_CHARACTERS: Final = 2000
SOON: Final = timedelta(minutes=5)
"""How long a note for who answers, or for a stream about to come, can be opened: it rings for a minute at most."""
AFTER_THE_TALK: Final = timedelta(hours=4, minutes=5)
"""And one that Twilio brings when the two have talked: it parts them after 4 h (``timeLimit`` of ``<Dial>``)."""
LONG: Final = 600
"""Bytes of the summary in a whisper's address: what is sent to Twilio has 4000 characters for everything."""
SHORT: Final = 200
"""Bytes of the summary in a ``<Parameter>``, which has 500 characters for name and value."""


class TransferContextRejected(Forbidden):
    """The note is not ours, for another call, or too old."""


@dataclass(frozen=True, slots=True)
class TransferContext:
    """What is known of a call that is put through.

    Attributes:
        call_sid: The caller's call.
        destination: Name of who is called.
        summary: What the conversation was about.
        began_at: Unix seconds at which the call began, for the task that takes the call back; 0 when that is not known.
        about: What the person should know first, as `agent_core.summary.about` has it; kept whole.
        address: Which of the destination's addresses is called, from 0.
        asked_at: Unix seconds at which Twilio got the order for the first of them.
        transfers: How often the caller has been put through, this time included.
    """

    call_sid: str
    destination: str
    summary: str
    began_at: float = 0.0
    about: str = ""
    address: int = 0
    asked_at: float = 0.0
    transfers: int = 1


class TransferContextCodec:
    """Seals notes and opens them. A note is sealed for one call, and is none for any other.

    Args:
        seal: Locks them.
        clock: Unix seconds.
    """

    def __init__(self, seal: Seal, *, clock: Callable[[], float] = time.time) -> None:
        self._seal = seal
        self._clock = clock

    @classmethod
    def from_auth_tokens(cls, auth_tokens: Sequence[str], *, clock: Callable[[], float] = time.time) -> Self:
        """Take keys from the AuthTokens, as tickets do, so that no further secret has to be handed out."""
        return cls(Seal([derive_key(token.encode(), _LABEL) for token in auth_tokens]), clock=clock)

    def seal(self, note: TransferContext, max_bytes: int = LONG, lifetime: timedelta = SOON) -> str:
        """Make a text that any task can open, safe in an address; of the summary the last ``max_bytes`` stay."""
        summary = note.summary.encode()[-max_bytes:].decode(errors="ignore")
        expires = int(self._clock() + lifetime.total_seconds())
        more = [int(note.began_at), note.about, note.address, round(note.asked_at, 1), note.transfers]
        plain = json.dumps([expires, note.destination, summary, *more], ensure_ascii=False).encode()
        return urlsafe_b64encode(self._seal.close(note.call_sid, plain)).decode().rstrip("=")

    def open(self, text: str, call_sids: Sequence[str]) -> TransferContext:
        """Open a note that is about one of these calls.

        Raises:
            TransferContextRejected: it is not.
        """
        call_sid, plain = self._unsealed(text, call_sids)
        expires, destination, summary, *more = json.loads(plain)  # the task that sealed it may be an older one
        if expires < self._clock():
            raise TransferContextRejected("note_expired")
        return TransferContext(call_sid, destination, summary, *more[:5])  # nor may a newer one be

    def _unsealed(self, text: str, call_sids: Sequence[str]) -> tuple[str, bytes]:
        try:
            raw = urlsafe_b64decode(text[:_MAX_CHARACTERS] + "=" * (-len(text) % 4))
        except ValueError:
            raise TransferContextRejected("note_malformed") from None
        for call_sid in call_sids:
            try:
                return call_sid, self._seal.open(call_sid, raw)
            except DecryptionError:
                continue
        raise TransferContextRejected("note_foreign")
