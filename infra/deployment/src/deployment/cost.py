"""Estimates what an environment costs: per month without calls, and per minute of a call.

Counts resources in the templates as these parameters create them, and metrics in measured.json, which
`python -m tools.reference` writes from the services' code. Prices come from prices.json.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from deployment.deploy_context import DeployContext
from deployment.stacks import Stack

_MEGABYTES: Final = 1024
_GIGABYTE: Final = 1e9
_SPEECH_TOKENS_A_SECOND: Final = 25
_CALLER_SPEAKS, _AGENT_SPEAKS = 0.5, 0.3
"""Fractions of a minute with speech; the model bills no silence."""
_HEARD_BYTES: Final = 16_000 * 2 * 4 / 3
_SPOKEN_BYTES: Final = 24_000 * 2 * 4 / 3
"""Bytes per second of audio to the model and back: 16-bit samples in base64."""


@dataclass(frozen=True)
class Item:
    """One line of the estimate."""

    what: str
    dollars: float


@dataclass(frozen=True)
class Tasks:
    """Number of tasks by service."""

    fewest: Mapping[str, int]
    """The minimum that scaling keeps without traffic."""
    first: Mapping[str, int]
    """The number that a first deployment starts."""

    @classmethod
    def of(cls, job: DeployContext) -> "Tasks":
        """Read both numbers from an environment's parameters."""
        chosen = {service: job.chosen(service) for service in job.environment.services}
        return cls(
            {name: one.fewest_tasks for name, one in chosen.items()},
            {name: one.first_tasks for name, one in chosen.items()},
        )


@cache
def _read(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(resources.files("deployment").joinpath(name).read_text("utf-8"))
    return read


def prices() -> dict[str, Any]:
    """Return the price list, prices.json."""
    return _read("prices.json")


def measured() -> dict[str, Any]:
    """Return which metrics the services emit and which token prices they assume, measured.json."""
    return _read("measured.json")


def estimate(job: DeployContext, tasks: Mapping[str, int]) -> list[Item]:
    """Estimate the monthly cost without traffic.

    Args:
        job: The command, with the environment.
        tasks: Number of tasks by service.
    """
    made = [resource for stack in job.stacks.all for resource in _made(job, stack)]
    items = (
        *_task_items(job, tasks),
        *_network(job, made, sum(tasks.values())),
        *_watching(made, tasks),
        *_kept(made),
    )
    return [item for item in items if item.dollars]


def minute() -> list[Item]:
    """Estimate what one minute of a call adds, by payee."""
    table, tokens = prices(), measured()["dollars_for_1000_tokens"]
    # A minute is billed by speech, so silence on both sides costs nothing at the model.
    heard, spoken = 60 * _CALLER_SPEAKS, 60 * _AGENT_SPEAKS
    # The caller's audio is sent all the time, including silence.
    model = _SPEECH_TOKENS_A_SECOND / 1000 * (heard * tokens["speech_input"] + spoken * tokens["speech_output"])
    traffic = (60 * _HEARD_BYTES + spoken * _SPOKEN_BYTES) / _GIGABYTE
    return [
        Item(f"model, with caller speech {_CALLER_SPEAKS:.0%} and agent speech {_AGENT_SPEAKS:.0%} of the time", model),
        Item("Twilio, an incoming call and its media stream (phone only)", sum(table["twilio_minute"].values())),
        Item(f"NAT gateway, {traffic * 1000:.1f} MB of audio to the model and back", traffic * table["nat_gigabyte"]),
    ]


type _Resource = Mapping[str, Any]


def _made(job: DeployContext, stack: Stack) -> Iterator[_Resource]:
    """Return the resources that a stack creates with these parameters."""
    names = stack.template.made(stack.parameters(job.environment, job.found))
    body = stack.template.body["Resources"]
    return (body[name] for name in names)


def _count(made: list[_Resource], kind: str) -> int:
    return sum(one["Type"] == kind for one in made)


def _plural(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _task_items(job: DeployContext, tasks: Mapping[str, int]) -> Iterator[Item]:
    """Yield one item per task size, because both services often have the same."""
    sizes: dict[tuple[float, float, str], int] = {}
    for service, count in tasks.items():
        chosen = job.chosen(service)
        # Group equal sizes, to print one line for both services.
        size = (
            (chosen.number("Cpu") or 0) / 1024,
            (chosen.number("Memory") or 0) / _MEGABYTES,
            chosen["CpuArchitecture"],
        )
        sizes[size] = sizes.get(size, 0) + count
    table = prices()
    # An unknown processor is priced as the more expensive one.
    for (cores, gigabytes, processor), count in sizes.items():
        rate = table["task_hour"].get(processor, table["task_hour"]["X86_64"])
        hour = cores * rate["core"] + gigabytes * rate["gigabyte"]
        yield Item(f"{_plural(count, 'task')} of {cores:g} vCPU and {gigabytes:g} GB", count * hour * table["hours"])


def _network(job: DeployContext, made: list[_Resource], tasks: int) -> Iterator[Item]:
    """Yield load balancer, NAT gateways, and public IPv4 addresses, which AWS bills per hour each."""
    table = prices()
    # AWS bills every public IPv4 address by the hour, in use or not.
    address, hours = table["public_address_hour"], table["hours"]
    balancers, subnets = _count(made, "AWS::ElasticLoadBalancingV2::LoadBalancer"), _public_subnets(job)
    yield Item(
        f"load balancer, with a public IPv4 address in each of {subnets} zones",
        balancers * (table["load_balancer_hour"] + subnets * address) * hours,
    )
    gateways, addresses = _count(made, "AWS::EC2::NatGateway"), _count(made, "AWS::EC2::EIP")
    yield Item(
        f"{_plural(gateways, 'NAT gateway')}, with a public IPv4 address{' each' * (gateways != 1)}",
        (gateways * table["nat_gateway_hour"] + addresses * address) * hours,
    )
    # With a network of our own, tasks have private addresses and use NAT.
    if not job.environment.has_own_network and job.chosen(job.environment.services[0])["TaskPublicIp"] == "ENABLED":
        yield Item("public IPv4 addresses of tasks", tasks * address * hours)


def _public_subnets(job: DeployContext) -> int:
    """Return the number of subnets of the load balancer: it has a public address in each."""
    stack = job.stacks["network"]
    # network.yaml joins a list of subnets; network-existing.yaml joins the parameter's value.
    (_, listed) = stack.template.body["Outputs"]["PublicSubnetIds"]["Value"]["Fn::Join"]
    if isinstance(listed, list):
        return len(listed)
    return len(job.environment.parameters.get("PublicSubnetIds", "").split(","))


def _watching(made: list[_Resource], tasks: Mapping[str, int]) -> Iterator[Item]:
    """Yield metrics, alarms, dashboard and logs."""
    table, known = prices(), measured()
    metrics = len(known["always"]) * len(tasks)
    # Metrics of calls and of labels exist only once there are calls, so they are named but not included.
    more = (len(known["in_calls"]) + len(known["labelled"])) * len(tasks)
    yield Item(
        f"{metrics} custom metrics, {len(known['always'])} per service; calls add {more}, plus one per label value",
        metrics * table["metric_month"],
    )
    if _is_enhanced(made):
        each = table["insights_metrics"]
        insights = each["cluster"] + each["service"] * len(tasks) + each["task"] * sum(tasks.values())
        # One metric line per task and interval, whether there are calls or not.
        yield Item(f"enhanced Container Insights, about {insights} metrics", insights * table["insights_metric_month"])
    alarms = _alarm_metrics(made)
    yield Item(f"alarms on {alarms} metrics, including those of scaling", alarms * table["alarm_metric_month"])
    dashboards = _count(made, "AWS::CloudWatch::Dashboard")
    yield Item(_plural(dashboards, "dashboard"), dashboards * table["dashboard_month"])
    lines = table["hours"] * 3600 / known["seconds_between_lines"]
    logged = sum(tasks.values()) * lines * table["metric_line_bytes"] / _GIGABYTE
    yield Item(f"logs, {logged:.1f} GB of metric lines", logged * table["log_gigabyte"])


def _is_enhanced(made: list[_Resource]) -> bool:
    clusters = [one["Properties"] for one in made if one["Type"] == "AWS::ECS::Cluster"]
    settings = [setting for one in clusters for setting in one.get("ClusterSettings", [])]
    return {"Name": "containerInsights", "Value": "enhanced"} in settings


def _alarm_metrics(made: list[_Resource]) -> int:
    """Count the metrics that alarms watch, each of which is billed. Target tracking creates two alarms per policy."""
    looked_at = 0
    for one in made:
        # An alarm on an expression watches every metric in it.
        if one["Type"] == "AWS::CloudWatch::Alarm":
            looked_at += max(1, sum("MetricStat" in metric for metric in one["Properties"].get("Metrics", [])))
        tracking = one.get("Properties", {}).get("TargetTrackingScalingPolicyConfiguration")
        if tracking is not None:
            metrics = tracking.get("CustomizedMetricSpecification", {}).get("Metrics", [])
            looked_at += 2 * max(1, sum("MetricStat" in metric for metric in metrics))
    return looked_at


def _kept(made: list[_Resource]) -> Iterator[Item]:
    table = prices()
    secrets = _count(made, "AWS::SecretsManager::Secret")
    yield Item(_plural(secrets, "secret"), secrets * table["secret_month"])
    for firewall in (one for one in made if one["Type"] == "AWS::WAFv2::WebACL"):
        rules = len(firewall["Properties"]["Rules"])
        dollars = table["firewall_month"] + rules * table["firewall_rule_month"]
        yield Item(f"firewall of {_plural(rules, 'rule')}", dollars)
