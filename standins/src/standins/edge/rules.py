"""Selects the target group for a request, with the semantics of an Application Load Balancer. No I/O.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html (path and header
conditions).
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
    """Forward the request to a target group, given by its logical name in the template."""

    group: str


@dataclass(frozen=True, slots=True)
class RedirectAction:
    """Redirect the client to the same path at another protocol or port."""

    protocol: str
    port: str
    status: int


type Action = Forward | RedirectAction


@dataclass(frozen=True, slots=True)
class HeaderCondition:
    """Matches if a header of this name has one of these values, ignoring case in both.

    Args:
        name: At most 40 characters.
        values: ``*`` matches any characters, ``?`` exactly one.

    Raises:
        ValueError: AWS would reject the condition.
    """

    name: str
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.name) <= MAX_HEADER_NAME:
            raise ValueError(f"a header's name has 1 to {MAX_HEADER_NAME} characters, not {len(self.name)}")
        if not self.values or any(len(value) > MAX_PATTERN for value in self.values):
            raise ValueError(f"{self.name} needs values of at most {MAX_PATTERN} characters")

    def fits(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Return whether a request matches."""
        wanted = re.compile("|".join(map(_expression, self.values)), re.DOTALL | re.IGNORECASE)
        name = self.name.lower().encode("latin-1")
        return any(key.lower() == name and wanted.fullmatch(value.decode("latin-1")) for key, value in headers)


@dataclass(frozen=True, slots=True)
class Rule:
    """Matches if one of its patterns matches the whole path, and every header condition the headers.

    Args:
        priority: The lowest number is evaluated first.
        patterns: ``*`` matches any characters, ``?`` exactly one; case matters.
        action: What to do with a matching request.
        headers: Header conditions.

    Raises:
        ValueError: AWS would reject the rule.
    """

    priority: int
    patterns: tuple[str, ...]
    action: Action
    headers: tuple[HeaderCondition, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.priority <= MAX_PRIORITY:
            raise ValueError(f"priority {self.priority} is not between 1 and {MAX_PRIORITY}")
        # AWS counts values of all conditions together.
        conditions = len(self.patterns) + sum(len(one.values) for one in self.headers)
        if not 1 <= conditions <= MAX_PATTERNS:
            raise ValueError(f"rule {self.priority} has {conditions} patterns; 1 to {MAX_PATTERNS} are allowed")
        for pattern in self.patterns:
            if not 1 <= len(pattern) <= MAX_PATTERN:
                raise ValueError(f"a pattern of rule {self.priority} is empty or longer than {MAX_PATTERN} characters")


@dataclass(frozen=True, slots=True)
class Listener:
    """One port of the load balancer."""

    port: int
    protocol: str
    rules: Sequence[Rule]
    default: Action


class Router:
    """Selects the action for a path and its headers."""

    def __init__(self, listener: Listener) -> None:
        # Compiled once, because every request passes through it.
        ordered = sorted(listener.rules, key=lambda rule: rule.priority)
        self._ways = [(_compile(rule.patterns or ("*",)), rule) for rule in ordered]
        self._default = listener.default

    def route(self, target: str, headers: Sequence[tuple[bytes, bytes]] = ()) -> Action:
        """Return the action for a raw path: it is not decoded or normalised, and the query is ignored.

        Args:
            target: Request target: ``/path?query``, or an absolute URL.
            headers: Headers of the request.
        """
        path = path_of(target)
        for fits, rule in self._ways:
            # Raw, as AWS matches it: %2F is not a slash.
            if fits.fullmatch(path) and all(one.fits(headers) for one in rule.headers):
                return rule.action
        return self._default


def path_of(target: str) -> str:
    """Return the path of a request target."""
    # Some clients send an absolute URL, as to a proxy.
    if not target.startswith("/"):
        _, separator, rest = target.partition("://")
        target = "/" + rest.partition("/")[2] if separator else target
    return target.partition("?")[0]


def _compile(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{_expression(pattern)})" for pattern in patterns), re.DOTALL)


def _expression(pattern: str) -> str:
    return re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
