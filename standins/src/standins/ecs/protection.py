"""What the pretend agent knows of each task: whether it is protected, until when, and what was asked. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_DEFAULT_MINUTES = 120
_MOST_MINUTES = 2880
_ARN = "arn:aws:ecs:eu-north-1:111122223333:task/standin"


class InvalidRequestError(ValueError):
    """The request is none that the agent takes; the text says why."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a task asked for."""

    enabled: bool
    minutes: int | None

    @classmethod
    def read(cls, body: object) -> "Wish":
        """Read a request.

        Raises:
            InvalidRequestError: it is none.
        """
        if not isinstance(body, dict) or not set(body) <= {"ProtectionEnabled", "ExpiresInMinutes"}:
            raise InvalidRequestError("a JSON object with ProtectionEnabled and ExpiresInMinutes is wanted")
        enabled, minutes = body.get("ProtectionEnabled"), body.get("ExpiresInMinutes")
        if not isinstance(enabled, bool):
            raise InvalidRequestError("ProtectionEnabled must be true or false")
        if minutes is not None and (not isinstance(minutes, int) or not 1 <= minutes <= _MOST_MINUTES):
            raise InvalidRequestError(f"ExpiresInMinutes must be a number from 1 to {_MOST_MINUTES}")
        return cls(enabled, minutes)


@dataclass(slots=True)
class ProtectedTask:
    """One task.

    Args:
        name: Ends its ARN.
        clock: Unix seconds.
    """

    name: str
    clock: Callable[[], float]
    expires_at: float = 0.0
    asked: list[Wish] = field(default_factory=list)
    """Every well-formed wish, also those that a fault kept from coming true."""
    switched_on: int = 0
    """How often its protection went from off to on."""
    switched_off: int = 0
    """How often a wish took it off again."""

    @property
    def arn(self) -> str:
        """The task's name in AWS."""
        return f"{_ARN}/{self.name}"

    @property
    def protected(self) -> bool:
        """Whether it is protected now."""
        return self.clock() < self.expires_at

    def grant(self, wish: Wish) -> None:
        """Let a wish come true."""
        self.switched_on += wish.enabled and not self.protected
        self.switched_off += self.protected and not wish.enabled
        minutes = wish.minutes or _DEFAULT_MINUTES
        self.expires_at = self.clock() + minutes * 60 if wish.enabled else 0.0

    def as_json(self) -> dict[str, Any]:
        """Tell its state as the agent does."""
        told: dict[str, Any] = {"ProtectionEnabled": self.protected, "TaskArn": self.arn}
        if self.protected:
            told["ExpirationDate"] = datetime.fromtimestamp(self.expires_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"protection": told}
