"""What an environment costs in a month in which nobody calls, as far as a short price list can tell."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from deployment.job import Job
from deployment.sizes import SERVICES

_ALARM: Final = "AWS::CloudWatch::Alarm"
_MEGABYTES: Final = 1024
_ZONES: Final = 2


@dataclass(frozen=True)
class Item:
    """One line of the bill."""

    what: str
    dollars: float


def prices() -> dict[str, Any]:
    """Read the price list that lies beside this file."""
    read: dict[str, Any] = json.loads(resources.files("deployment").joinpath("prices.json").read_text("utf-8"))
    return read


def estimate(job: Job, running: Mapping[str, int]) -> list[Item]:
    """Estimate what is there all the time.

    Args:
        job: whose environment.
        running: how many tasks run of each service.
    """
    table = prices()
    hours = table["hours"]
    tasks = sum(running.values())
    address = table["public_address_hour"] * hours
    alarms = sum(stack.template.kinds.count(_ALARM) for stack in job.stacks.all)
    return [
        *(_tasks(job, service, count, table) for service, count in running.items()),
        Item("load balancer", table["load_balancer_hour"] * hours + _ZONES * address),
        _way_out(job, tasks, table),
        Item(f"{len(SERVICES)} secrets, {alarms} alarms, dashboard", _watch(alarms, table)),
        *([Item("firewall", table["firewall_month"])] if job.environment.has_firewall else []),
    ]


def _tasks(job: Job, service: str, count: int, table: dict[str, Any]) -> Item:
    cores = int(job.setting("service", "Cpu", service)) / 1024
    gigabytes = int(job.setting("service", "Memory", service)) / _MEGABYTES
    rate = table["task_hour"][job.setting("service", "CpuArchitecture")]
    task = (cores * rate["core"] + gigabytes * rate["gigabyte"]) * table["hours"]
    plural = "s" * (count != 1)
    return Item(f"{count} {service} task{plural} of {cores:g} vCPU and {gigabytes:g} GB", count * task)


def _watch(alarms: int, table: dict[str, Any]) -> float:
    dollars: float = len(SERVICES) * table["secret_month"] + alarms * table["alarm_month"] + table["dashboard_month"]
    return dollars


def _way_out(job: Job, tasks: int, table: dict[str, Any]) -> Item:
    address = table["public_address_hour"] * table["hours"]
    if not job.environment.has_own_network:
        return Item("public addresses of tasks", tasks * address)
    gateways = _ZONES if job.setting("network", "NatGateways") == "per-zone" else 1
    return Item(
        f"{gateways} NAT gateway{'s' * (gateways > 1)}",
        gateways * (table["nat_gateway_hour"] * table["hours"] + address),
    )
