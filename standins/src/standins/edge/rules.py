"""Which target group a path belongs to. Pure; the semantics are those of an Application Load Balancer.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html (path conditions).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_PATTERN = 128
MAX_PATTERNS = 5
MAX_PRIORITY = 50_000


@dataclass(frozen=True, slots=True)
class Forward:
    """Pass the request on to a target group, by its logical name in the template."""

    group: str


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the client to the same path somewhere else."""

    protocol: str
    port: str
    status: int


type Action = Forward | Redirect


@dataclass(frozen=True, slots=True)
class Rule:
    """Applies where one of its patterns fits the whole path.

    Args:
        priority: The lowest number is tried first.
        patterns: ``*`` stands for any characters, ``?`` for exactly one; upper and lower case differ.
        action: What to do then.

    Raises:
        ValueError: AWS would not take such a rule.
    """

    priority: int
    patterns: tuple[str, ...]
    action: Action

    def __post_init__(self) -> None:
        if not 1 <= self.priority <= MAX_PRIORITY:
            raise ValueError(f"priority {self.priority} is not between 1 and {MAX_PRIORITY}")
        if not 1 <= len(self.patterns) <= MAX_PATTERNS:
            raise ValueError(f"rule {self.priority} has {len(self.patterns)} patterns; 1 to {MAX_PATTERNS} are allowed")
        for pattern in self.patterns:
            if not 1 <= len(pattern) <= MAX_PATTERN:
                raise ValueError(f"a pattern of rule {self.priority} is longer than {MAX_PATTERN} characters, or empty")


@dataclass(frozen=True, slots=True)
class Listener:
    """One port of the load balancer."""

    port: int
    protocol: str
    rules: Sequence[Rule]
    default: Action


class Router:
    """Finds the action for a path."""

    def __init__(self, listener: Listener) -> None:
        ordered = sorted(listener.rules, key=lambda rule: rule.priority)
        self._ways = [(_compile(rule.patterns), rule.action) for rule in ordered]
        self._default = listener.default

    def route(self, target: str) -> Action:
        """Choose by the path as it came: nothing is decoded, merged or folded, and the query does not count.

        Args:
            target: Of the request line: ``/path?query``, or with scheme and host before it.
        """
        path = path_of(target)
        return next((action for fits, action in self._ways if fits.fullmatch(path)), self._default)


def path_of(target: str) -> str:
    """Cut a request target down to its path."""
    if not target.startswith("/"):
        _, separator, rest = target.partition("://")
        target = "/" + rest.partition("/")[2] if separator else target
    return target.partition("?")[0]


def _compile(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{_expression(pattern)})" for pattern in patterns), re.DOTALL)


def _expression(pattern: str) -> str:
    return re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
