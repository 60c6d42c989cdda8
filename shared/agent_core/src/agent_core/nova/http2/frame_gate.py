"""Check the headers of frames before ``h2`` reads them. No I/O.

``h2`` waits for the whole of a frame before it refuses its length, which is up to 16 MB of anything, such as an
HTTP/1.1 response; it does not require the service to start with SETTINGS, ignores frames of streams that it never
opened, and reads any number of frames that say nothing. This connection has one stream, which makes the rules short.
"""

from typing import Final

_HEADER: Final = 9
_LARGEST: Final = 16_384
"""Bytes of a frame's payload, unless we announced more (RFC 9113, 4.2)."""
PATIENCE: Final = 300
"""Frames without content that may arrive in a row; RFC 9113, section 10.5, lets an endpoint bound them."""
_CONTENT: Final = 32
"""Bytes from which a DATA frame counts as content: the smallest event has more than a hundred."""
_DATA: Final = 0
_SETTINGS: Final = 4
_PRIORITY: Final = 2
_LAST_KNOWN: Final = 9
_ACK: Final = 1
_STREAM: Final = 1
_RESERVED: Final = (1 << 31) - 1


class FrameError(Exception):
    """A frame that must not be here."""


class FrameGate:
    """Follows the frames of a connection, wherever its bytes are cut."""

    def __init__(self) -> None:
        self._to_skip = 0
        self._header = b""
        self._is_first = True
        self._patience = PATIENCE

    def be_patient(self) -> None:
        """Forget the frames without content: they have a reason, because something was sent."""
        self._patience = PATIENCE

    def check(self, content: bytes) -> None:
        """Check the frames that begin in these bytes.

        Raises:
            FrameError: the service broke the protocol.
        """
        at, size = self._to_skip, len(content)
        # The rest of the frame that is being read comes first, or a header that was cut.
        while at < size or self._header:
            header = self._header + content[at : at + _HEADER - len(self._header)]
            at += len(header) - len(self._header)
            if len(header) < _HEADER:
                self._header = header
                break
            self._header = b""
            at += self._length(header)
        self._to_skip = max(0, at - size)

    def _length(self, header: bytes) -> int:
        length, kind = int.from_bytes(header[:3]), header[3]
        if length > _LARGEST:
            raise FrameError("a frame is too long")
        if self._is_first and (kind != _SETTINGS or header[4] & _ACK):
            raise FrameError("the first frame is not SETTINGS")
        self._is_first = False
        self._patience = PATIENCE if kind == _DATA and length >= _CONTENT else self._patience - 1
        if self._patience < 0:
            raise FrameError("too many frames without content")
        stream = int.from_bytes(header[5:]) & _RESERVED
        # Unknown types are ignored on any stream (5.5), and PRIORITY may name streams that are not open (5.1).
        if stream > _STREAM and kind <= _LAST_KNOWN and kind != _PRIORITY:
            raise FrameError("a frame belongs to no stream of ours")
        return length
