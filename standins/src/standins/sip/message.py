"""Parses and encodes SIP messages. No socket, no state."""

from dataclasses import dataclass
from typing import Final

VERSION: Final = "SIP/2.0"
MAX_BYTES: Final = 64 * 1024
_COMPACT: Final = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}


class MalformedSipError(Exception):
    """The bytes are not a SIP message."""


@dataclass(frozen=True)
class SipMessage:
    """A request or a response: start line, headers in order, body."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    @property
    def method(self) -> str:
        """Method of a request; empty for a response."""
        return "" if self.status else self.start.partition(" ")[0]

    @property
    def uri(self) -> str:
        """Request URI."""
        return self.start.split(" ")[1]

    @property
    def status(self) -> int:
        """Status code of a response; 0 for a request."""
        return int(self.start.split(" ")[1]) if self.start.startswith(f"{VERSION} ") else 0

    def all(self, name: str) -> list[str]:
        """Return all values of a header."""
        return [value for known, value in self.headers if _plain(known) == name.lower()]

    def header(self, name: str) -> str:
        """Return the first value of a header; empty if there is none."""
        return next(iter(self.all(name)), "")

    @property
    def sequence(self) -> tuple[int, str]:
        """Number and method of ``CSeq``."""
        number, _, method = self.header("cseq").partition(" ")
        return int(number), method.strip()

    def encode(self) -> bytes:
        """Return the message as bytes."""
        rows = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        rows += [f"Content-Length: {len(self.body)}", "", ""]
        return "\r\n".join(rows).encode() + self.body


def parse(raw: bytes) -> SipMessage:
    """Parse exactly one message.

    Raises:
        MalformedSipError: The bytes are not a message.
    """
    head, found, body = raw.partition(b"\r\n\r\n")
    try:
        # Unfold headers that continue on the next line.
        start, *rows = head.decode().replace("\r\n ", " ").replace("\r\n\t", " ").split("\r\n")
        pairs = [row.partition(":") for row in rows]
        message = SipMessage(start, tuple((name.strip(), value.strip()) for name, colon, value in pairs if colon), body)
        parts = start.split(" ")
        fits = len(parts) >= 3 and VERSION in (parts[0], parts[2]) and message.sequence[0] >= 0  # noqa: PLR2004
    except (UnicodeDecodeError, ValueError) as error:
        raise MalformedSipError(type(error).__name__) from error
    if not found or not fits:
        reason = "first line"
        raise MalformedSipError(reason)
    length = message.header("content-length")
    # UDP may add bytes after the body.
    return SipMessage(start, message.headers, body[: int(length)] if length.isdecimal() else body)


def cut(buffer: bytearray) -> bytes | None:
    """Remove and return one complete message from the start of a buffer; None if it is incomplete.

    Raises:
        MalformedSipError: It is too long to be a message.
    """
    while buffer[:2] == b"\r\n":  # a keepalive (RFC 5626)
        del buffer[:2]
    head, found, body = bytes(buffer).partition(b"\r\n\r\n")
    if len(buffer) > MAX_BYTES:
        reason = "too long"
        raise MalformedSipError(reason)
    if not found:
        return None
    length = next((int(row.partition(b":")[2]) for row in head.split(b"\r\n") if _is_length(row)), 0)
    # Wait for the whole body.
    if len(body) < length:
        return None
    whole = len(head) + 4 + length
    raw = bytes(buffer[:whole])
    del buffer[:whole]
    return raw


def _is_length(row: bytes) -> bool:
    name, _, value = row.partition(b":")
    return name.strip().lower() in (b"content-length", b"l") and value.strip().isdigit()


def _plain(name: str) -> str:
    lower = name.lower()
    return _COMPACT.get(lower, lower)
