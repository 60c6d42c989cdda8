"""Which target group a path belongs to. Pure; the semantics are those of an Application Load Balancer.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html (path and
header conditions).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_PATTERN = 128
MAX_PATTERNS = 5
MAX_HEADER_NAME = 40
MAX_PRIORITY = 50_000


@dataclass(frozen=True, slots=True)
class Forward:
    """Pass the request on to a target group, by its logical name in the template."""

    group: str


@dataclass(frozen=True, slots=True)
class RedirectAction:
    """Send the client to the same path somewhere else."""

    protocol: str
    port: str
    status: int


type Action = Forward | RedirectAction


@dataclass(frozen=True, slots=True)
class HeaderCondition:
    """Fits where a header of this name has one of these values; upper and lower case are the same in both.

    Args:
        name: At most 40 characters.
        values: ``*`` stands for any characters, ``?`` for exactly one.

    Raises:
        ValueError: AWS would not take such a condition.
    """

    name: str
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.name) <= MAX_HEADER_NAME:
            raise ValueError(f"a header's name has 1 to {MAX_HEADER_NAME} characters, not {len(self.name)}")
        if not self.values or any(len(value) > MAX_PATTERN for value in self.values):
            raise ValueError(f"{self.name} needs values of at most {MAX_PATTERN} characters")

    def fits(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Tell whether a request has it."""
        wanted = re.compile("|".join(map(_expression, self.values)), re.DOTALL | re.IGNORECASE)
        name = self.name.lower().encode("latin-1")
        return any(key.lower() == name and wanted.fullmatch(value.decode("latin-1")) for key, value in headers)


@dataclass(frozen=True, slots=True)
class Rule:
    """Applies where one of its patterns fits the whole path, and every condition of a header the headers.

    Args:
        priority: The lowest number is tried first.
        patterns: ``*`` stands for any characters, ``?`` for exactly one; upper and lower case differ.
        action: What to do then.
        headers: Conditions of headers.

    Raises:
        ValueError: AWS would not take such a rule.
    """

    priority: int
    patterns: tuple[str, ...]
    action: Action
    headers: tuple[HeaderCondition, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.priority <= MAX_PRIORITY:
            raise ValueError(f"priority {self.priority} is not between 1 and {MAX_PRIORITY}")
        conditions = len(self.patterns) + sum(len(one.values) for one in self.headers)
        if not 1 <= conditions <= MAX_PATTERNS:
            raise ValueError(f"rule {self.priority} has {conditions} patterns; 1 to {MAX_PATTERNS} are allowed")
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
    """Finds the action for a path and the headers that come with it."""

    def __init__(self, listener: Listener) -> None:
        ordered = sorted(listener.rules, key=lambda rule: rule.priority)
        self._ways = [(_compile(rule.patterns or ("*",)), rule) for rule in ordered]
        self._default = listener.default

    def route(self, target: str, headers: Sequence[tuple[bytes, bytes]] = ()) -> Action:
        """Choose by the path as it came: nothing is decoded, merged or folded, and the query does not count.

        Args:
            target: Of the request line: ``/path?query``, or with scheme and host before it.
            headers: Of the request.
        """
        path = path_of(target)
        for fits, rule in self._ways:
            if fits.fullmatch(path) and all(one.fits(headers) for one in rule.headers):
                return rule.action
        return self._default


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
