"""Parses a template's load balancer. No I/O."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from standins.edge.rules import Action, Forward, HeaderCondition, Listener, RedirectAction, Rule
from standins.edge.template_rules import RuleTemplate, TemplateError

_PREFIX = "AWS::ElasticLoadBalancingV2::"
_MOST_STICKY_SECONDS = 604_800


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """Health check of a target group. Times are in seconds; defaults are AWS's."""

    path: str = "/"
    interval: float = 30
    timeout: float = 5
    healthy: int = 5
    unhealthy: int = 2
    codes: str = "200"

    def accepts(self, status: int) -> bool:
        """Return whether a response status is healthy; ``codes`` has the form ``200,301-304``."""
        for part in self.codes.split(","):
            first, _, last = part.partition("-")
            if int(first) <= status <= int(last or first):
                return True
        return False


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """One target group."""

    name: str
    health: HealthCheck
    drain: float = 300
    least_outstanding: bool = False
    sticky_seconds: float | None = None
    """Lifetime of the stickiness cookie; None without stickiness."""


@dataclass(frozen=True, slots=True)
class Balancer:
    """A load balancer with its listeners and target groups."""

    listeners: Mapping[int, Listener]
    """Listeners by port."""
    groups: Mapping[str, TargetGroup]
    idle: float
    """Seconds without data in either direction after which a connection is closed."""
    drops_invalid_headers: bool
    forwarded_for: str
    """``append``, ``preserve`` or ``remove``."""


def read(template: RuleTemplate) -> Balancer:
    """Parse the only load balancer of a template.

    Raises:
        TemplateError: There is none, or it uses a feature that this stand-in lacks.
    """
    balancers = template.resources(_PREFIX + "LoadBalancer")
    # Several load balancers would need several processes.
    if len(balancers) != 1:
        raise TemplateError(f"{len(balancers)} load balancers; expected exactly one")
    attributes = _attributes(next(iter(balancers.values())), "LoadBalancerAttributes")
    try:
        return Balancer(
            listeners={one.port: one for one in _listeners(template)},
            groups={name: _group(name, one) for name, one in template.resources(_PREFIX + "TargetGroup").items()},
            idle=float(attributes.get("idle_timeout.timeout_seconds", "60")),
            drops_invalid_headers=attributes.get("routing.http.drop_invalid_header_fields.enabled") == "true",
            forwarded_for=attributes.get("routing.http.xff_header_processing.mode", "append"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TemplateError(f"cannot parse the load balancer: {error!r}") from error


def _listeners(template: RuleTemplate) -> Iterator[Listener]:
    rules = template.resources(_PREFIX + "ListenerRule").values()
    for name, listener in template.resources(_PREFIX + "Listener").items():
        yield Listener(
            port=int(listener["Port"]),
            protocol=listener["Protocol"],
            rules=_distinct([_rule(rule) for rule in rules if rule["ListenerArn"] == name]),
            default=_action(listener["DefaultActions"]),
        )


def _distinct(rules: list[Rule]) -> list[Rule]:
    # AWS rejects two rules of one priority, so a test should too.
    if len({rule.priority for rule in rules}) < len(rules):
        raise TemplateError("two rules of a listener have the same priority")
    return rules


def _rule(rule: Mapping[str, Any]) -> Rule:
    patterns: list[str] = []
    headers: list[HeaderCondition] = []
    for condition in rule["Conditions"]:
        match condition:
            case {"Field": "path-pattern"} if not patterns:
                # Some templates put the values directly into the condition.
                patterns += condition.get("PathPatternConfig", condition)["Values"]
            case {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": str(name), "Values": list(values)}}:
                headers.append(HeaderCondition(name, tuple(values)))
            case _:
                raise TemplateError(f"unsupported condition (one path-pattern per rule): {condition['Field']}")
    return Rule(int(rule["Priority"]), tuple(patterns), _action(rule["Actions"]), tuple(headers))


def _action(actions: list[Mapping[str, Any]]) -> Action:
    match actions:
        case [{"Type": "forward", "TargetGroupArn": str(group)}]:
            return Forward(group)
        case [{"Type": "redirect", "RedirectConfig": config}]:
            status = int(config["StatusCode"].removeprefix("HTTP_"))
            # Placeholders keep the protocol or port of the request.
            return RedirectAction(config.get("Protocol", "#{protocol}"), config.get("Port", "#{port}"), status)
        case _:
            raise TemplateError(f"unsupported action: {actions}")


def _group(name: str, group: Mapping[str, Any]) -> TargetGroup:
    attributes = _attributes(group, "TargetGroupAttributes")
    usual = HealthCheck()
    health = HealthCheck(
        path=group.get("HealthCheckPath", usual.path),
        interval=float(group.get("HealthCheckIntervalSeconds", usual.interval)),
        timeout=float(group.get("HealthCheckTimeoutSeconds", usual.timeout)),
        healthy=int(group.get("HealthyThresholdCount", usual.healthy)),
        unhealthy=int(group.get("UnhealthyThresholdCount", usual.unhealthy)),
        codes=group.get("Matcher", {}).get("HttpCode", usual.codes),
    )
    return TargetGroup(
        name=name,
        health=health,
        drain=float(attributes.get("deregistration_delay.timeout_seconds", "300")),
        least_outstanding=attributes.get("load_balancing.algorithm.type") == "least_outstanding_requests",
        sticky_seconds=_sticky(attributes),
    )


def _sticky(attributes: Mapping[str, str]) -> float | None:
    if attributes.get("stickiness.enabled") != "true":
        return None
    if attributes.get("stickiness.type", "lb_cookie") != "lb_cookie":
        raise TemplateError("unsupported stickiness type: only lb_cookie is supported")
    seconds = float(attributes.get("stickiness.lb_cookie.duration_seconds", "86400"))
    if not 1 <= seconds <= _MOST_STICKY_SECONDS:
        raise TemplateError("the stickiness duration must be 1 second to 7 days")
    return seconds


def _attributes(resource: Mapping[str, Any], key: str) -> dict[str, str]:
    return {one["Key"]: str(one["Value"]) for one in resource.get(key, [])}
