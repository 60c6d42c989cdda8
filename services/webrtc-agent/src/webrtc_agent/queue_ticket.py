"""Issue and verify the tickets of the visitors' queue. No I/O.

Any task can verify a ticket, because tasks share its key. It contains the visitor's own entry and what else the issuing
task knew of the queue, so that the next task learns that too. A visitor can neither forge one nor change its time.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from binascii import a2b_base64
from collections.abc import Sequence
from struct import Struct
from typing import Final

from pydantic import SecretStr

from webrtc_agent.visitor_queue import LONGEST_WAIT_SECONDS, SKEW_SECONDS, TICKET_SECONDS, QueueEntry, Standing

MAX_CHARACTERS: Final = 12_000
_ENTRY: Final = Struct(">8sQ4sQB")
_VERSION: Final = b"\x01"
_MAC_BYTES: Final = 32
_LABEL: Final = b"webrtc-agent visitor queue v1"


class QueueTickets:
    """Issues tickets and reads them.

    Args:
        secret: Shared by all tasks; None generates one for this process, if there is only one task.
    """

    def __init__(self, secret: SecretStr | None) -> None:
        own = secrets.token_bytes(32) if secret is None else secret.get_secret_value().encode()
        self._key = hmac.digest(own, _LABEL, "sha256")

    def seal(self, entry: QueueEntry, others: Sequence[QueueEntry]) -> str:
        """Return a ticket with a visitor's entry, and with what else is known of the queue."""
        body = _VERSION + b"".join(map(_pack, (entry, *others)))
        return urlsafe_b64encode(body + hmac.digest(self._key, body, "sha256")).decode("ascii")

    def open(self, ticket: str, now: float) -> tuple[QueueEntry, list[QueueEntry]] | None:
        """Return a ticket's content: the visitor's entry and the others; None if it is not ours, or expired.

        Args:
            ticket: As sent by a visitor.
            now: Unix seconds.
        """
        if len(ticket) > MAX_CHARACTERS or not ticket.isascii():
            return None
        try:
            raw = a2b_base64(ticket.translate(_STANDARD), strict_mode=True)
        except ValueError:
            return None
        # Verified before anything is unpacked: the content comes from the visitor.
        body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if not hmac.compare_digest(hmac.digest(self._key, body, "sha256"), mac) or body[:1] != _VERSION:
            return None
        entry, *others = map(_unpacked, _ENTRY.iter_unpack(body[1:]))
        # Bounded in both directions, because another task's clock may be wrong.
        is_old = now - entry.seen > TICKET_SECONDS or now - entry.arrived > LONGEST_WAIT_SECONDS
        return None if is_old or entry.seen > now + SKEW_SECONDS else (entry, others)


_STANDARD: Final = str.maketrans("-_", "+/")


def _pack(entry: QueueEntry) -> bytes:
    arrived, seen = round(entry.arrived * 1000), round(entry.seen * 1000)
    return _ENTRY.pack(entry.name, arrived, entry.network, seen, entry.standing)


def _unpacked(fields: tuple[bytes, int, bytes, int, int]) -> QueueEntry:
    name, arrived, network, seen, standing = fields
    return QueueEntry(name, arrived / 1000, network, seen / 1000, Standing(standing))
