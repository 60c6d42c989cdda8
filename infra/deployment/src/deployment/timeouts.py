"""Timeouts and the polling interval of a deployment."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Timeouts:
    """All values are in seconds."""

    poll: float = 3.0
    change_set: float = 300.0
    """For comparing a template; usually less than minutes."""
    stack: float = 5400.0
    """The slowest stack is a service whose phone tasks drain: they keep their calls for up to an hour."""
    steady: float = 1800.0
    """When its stack is complete, a service only has to start missing tasks."""
    answer: float = 180.0
    """DNS for a new load balancer takes a minute or two."""
