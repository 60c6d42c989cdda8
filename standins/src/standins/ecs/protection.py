"""Protection state of each task: whether it is protected, until when, and what was requested. No I/O."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_DEFAULT_MINUTES = 120
_MOST_MINUTES = 2880
_ARN = "arn:aws:ecs:eu-north-1:111122223333:task/standin"


class InvalidRequestError(ValueError):
    """The agent does not accept the request; the text says why."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A request of a task."""

    enabled: bool
    minutes: int | None

    @classmethod
    def read(cls, body: object) -> "Wish":
        """Parse a request.

        Raises:
            InvalidRequestError: It is not valid.
        """
        # The agent rejects unknown fields.
        if not isinstance(body, dict) or not set(body) <= {"ProtectionEnabled", "ExpiresInMinutes"}:
            raise InvalidRequestError("expected a JSON object with ProtectionEnabled and ExpiresInMinutes")
        enabled, minutes = body.get("ProtectionEnabled"), body.get("ExpiresInMinutes")
        if not isinstance(enabled, bool):
            raise InvalidRequestError("ProtectionEnabled must be true or false")
        # In Python, True is an integer as well, but no sensible number of minutes.
        if minutes is not None and (not isinstance(minutes, int) or not 1 <= minutes <= _MOST_MINUTES):
            raise InvalidRequestError(f"ExpiresInMinutes must be a number from 1 to {_MOST_MINUTES}")
        return cls(enabled, minutes)


@dataclass(slots=True)
class ProtectedTask:
    """One task.

    Args:
        name: Last part of its ARN.
        clock: Returns unix seconds.
    """

    name: str
    clock: Callable[[], float]
    expires_at: float = 0.0
    asked: list[Wish] = field(default_factory=list)
    """Every valid request, including those that a fault kept from taking effect."""
    switched_on: int = 0
    """How often its protection went from off to on."""
    switched_off: int = 0
    """How often a request turned it off."""

    @property
    def arn(self) -> str:
        """ARN of the task."""
        return f"{_ARN}/{self.name}"

    @property
    def protected(self) -> bool:
        """Whether it is protected now."""
        return self.clock() < self.expires_at

    def grant(self, wish: Wish) -> None:
        """Apply a request."""
        # Renewals do not count, only changes from off to on.
        self.switched_on += wish.enabled and not self.protected
        self.switched_off += self.protected and not wish.enabled
        minutes = wish.minutes or _DEFAULT_MINUTES
        self.expires_at = self.clock() + minutes * 60 if wish.enabled else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the state as the agent does."""
        state: dict[str, Any] = {"ProtectionEnabled": self.protected, "TaskArn": self.arn}
        if self.protected:
            state["ExpirationDate"] = datetime.fromtimestamp(self.expires_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"protection": state}
