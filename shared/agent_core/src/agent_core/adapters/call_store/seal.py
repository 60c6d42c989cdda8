"""Encrypt entries, so that a reader of the file or the table learns nothing."""

import hmac
import secrets
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agent_core.errors import ProtocolError

_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32


class DecryptionError(ProtocolError):
    """No known key decrypts the entry, or it was changed, or it was stored under another name."""


class Seal:
    """AES-256-GCM. An entry's name is authenticated with it, so one call's words cannot be moved to another call.

    A nonce is random: with 96 bits, 4 billion entries under one key are safe (NIST SP 800-38D, 8.3).

    Args:
        keys: 32 bytes each; the first one encrypts, any of them decrypts.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"at least one key is needed, and each of {KEY_BYTES} bytes")
        self._locks = [AESGCM(key) for key in keys]

    def close(self, name: str, plain: bytes) -> bytes:
        """Encrypt."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._locks[0].encrypt(nonce, plain, _VERSION + name.encode())

    def open(self, name: str, sealed: bytes) -> bytes:
        """Decrypt what `close` returned for this name.

        Raises:
            DecryptionError: it is anything else.
        """
        version, nonce, rest = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if version != _VERSION or len(nonce) != _NONCE_BYTES:
            raise DecryptionError("form")
        for lock in self._locks:
            try:
                return lock.decrypt(nonce, rest, _VERSION + name.encode())
            except InvalidTag:
                continue
        raise DecryptionError("key")


def derive_key(secret: bytes, label: bytes) -> bytes:
    """Derive a 32-byte key for one purpose (HKDF-SHA256 of RFC 5869, no salt, one block)."""
    pseudorandom = hmac.digest(bytes(KEY_BYTES), secret, "sha256")
    return hmac.digest(pseudorandom, label + b"\x01", "sha256")
