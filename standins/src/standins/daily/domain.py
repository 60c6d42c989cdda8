"""Rooms and tokens of one simulated domain. No I/O."""

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from standins.daily import errors, properties

DOMAIN = "standin"
ROOMS_URL = f"https://{DOMAIN}.daily.invalid"
"""A host name that never resolves (RFC 2606): a name under ``.daily.co`` might belong to a customer."""
_LONGEST_NAME = 128
_FORBIDDEN = re.compile(r"[^A-Za-z0-9_-]")

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StandinRoom:
    """A room as it was created."""

    name: str
    privacy: str
    config: Json
    created_at: float
    room_id: str = field(default_factory=lambda: str(uuid4()))

    def shown(self) -> Json:
        """Return the room as the API shows it."""
        return {
            "id": self.room_id,
            "name": self.name,
            "api_created": True,
            "privacy": self.privacy,
            "url": f"{ROOMS_URL}/{self.name}",
            "created_at": datetime.fromtimestamp(self.created_at, UTC).isoformat(timespec="milliseconds"),
            "config": self.config,
        }


@dataclass(slots=True)
class RoomLedger:
    """What tests check at the end."""

    created: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    expired: list[str] = field(default_factory=list)
    tokens: list[Json] = field(default_factory=list)
    """Properties of the tokens, in the order of their creation."""


class DailyDomain:
    """All rooms of the domain.

    Args:
        clock: Returns unix seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.ledger = RoomLedger()
        self._clock = clock
        self._rooms: dict[str, StandinRoom] = {}
        # A key per process: tokens of another run are not valid here.
        self._key = secrets.token_bytes(32)

    @property
    def open_rooms(self) -> list[str]:
        """Names of the existing rooms."""
        self._collect()
        return list(self._rooms)

    def create(self, asked: Json) -> Json:
        """Create a room.

        Raises:
            RefusedError: The request is not valid, or the name is in use.
        """
        unknown = set(asked) - {"name", "privacy", "properties"}
        if unknown:
            raise errors.invalid(f"unknown parameter '{min(unknown)}'")
        name, privacy = asked.get("name", secrets.token_urlsafe(15)), asked.get("privacy", "public")
        if not isinstance(name, str) or not name or _FORBIDDEN.search(name) or len(name) > _LONGEST_NAME:
            raise errors.invalid("bad room name")
        if privacy not in properties.PRIVACY:
            raise errors.invalid(f"'privacy' should be one of {', '.join(properties.PRIVACY)}")
        # Validate everything before creating anything.
        config = properties.room(asked.get("properties", {}))
        self._collect()
        if name in self._rooms:
            raise errors.invalid(f"a room named {name} already exists")
        room = self._rooms[name] = StandinRoom(name, privacy, config, self._clock())
        self.ledger.created.append(name)
        return room.shown()

    def get(self, name: str) -> Json:
        """Return a room.

        Raises:
            RefusedError: It does not exist.
        """
        self._collect()
        if name not in self._rooms:
            raise errors.no_room(name)
        return self._rooms[name].shown()

    def delete(self, name: str) -> Json:
        """Delete a room.

        Raises:
            RefusedError: It does not exist, or has expired.
        """
        self._collect()
        # Expired rooms are collected first, so that they cannot be deleted twice.
        # Daily tells an expired room apart: its error says that it was deleted.
        if name in self.ledger.expired and name not in self._rooms:
            raise errors.no_room(name, deleted=True)
        if name not in self._rooms:
            raise errors.no_room(name)
        del self._rooms[name]
        self.ledger.deleted.append(name)
        return {"deleted": True, "name": name}

    def list_rooms(self) -> Json:
        """Return the newest hundred rooms."""
        # The newest first.
        names = self.open_rooms
        return {"total_count": len(names), "data": [self._rooms[name].shown() for name in reversed(names)][:100]}

    def make_token(self, asked: Json) -> Json:
        """Create a token. Its room need not exist; without a name it is valid for every room, as at Daily."""
        read = properties.token(asked.get("properties", {}))
        self.ledger.tokens.append(read)
        claims = {**read, "d": DOMAIN, "iat": int(self._clock())}
        # JSON Web Tokens have no padding.
        head, body = (_base64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        return {"token": f"{head}.{body}.{self._sign(head, body)}"}

    def read_token(self, token: str) -> Json:
        """Return the claims of a token.

        Raises:
            RefusedError: Its signature is not valid, or it has expired.
        """
        head, _, rest = token.partition(".")
        body, _, signature = rest.partition(".")
        # Verify the signature before parsing the claims.
        if not hmac.compare_digest(self._sign(head, body).encode(), signature.encode()):
            raise errors.invalid("invalid token")
        # Add the padding that the decoder requires.
        claims: Json = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        if claims.get("exp", self._clock() + 1) <= self._clock():
            raise errors.invalid("token has expired")
        return claims

    def _sign(self, head: str, body: str) -> str:
        return _base64(hmac.digest(self._key, f"{head}.{body}".encode(), hashlib.sha256))

    def _collect(self) -> None:
        """Delete expired rooms. Daily does too, but later."""
        now = self._clock()
        for name in [name for name, room in self._rooms.items() if room.config.get("exp", now + 1) <= now]:
            del self._rooms[name]
            self.ledger.expired.append(name)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
