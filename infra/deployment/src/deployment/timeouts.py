"""How long is waited for what, and how often is asked."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Timeouts:
    """In seconds."""

    poll: float = 3.0
    change_set: float = 300.0
    """CloudFormation compares; minutes at most."""
    stack: float = 5400.0
    """The slowest is a service whose phone tasks leave: they keep their calls for up to an hour."""
    steady: float = 1800.0
    """After its stack is there, a service only has to start what it lacks."""
    answer: float = 180.0
    """A new load balancer's name takes a minute or two to be known."""
