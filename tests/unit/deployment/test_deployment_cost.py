"""The estimate: an item for everything that is there while nobody calls."""

from types import SimpleNamespace
from typing import Any

import pytest

from deployment import cost
from deployment.environment import Environment
from deployment.job import Job
from deployment.stacks import stacks_of
from tools.workspace import ROOT


def estimate(tasks: int = 4, **parameters: str) -> dict[str, float]:
    """Estimate an environment, dollar by dollar."""
    environment = Environment("test", parameters)
    nothing: Any = SimpleNamespace()
    stacks = stacks_of(environment, ROOT / "infra/cloudformation")
    job = Job(nothing, environment, stacks, nothing, nothing, nothing, nothing, nothing)
    running = {"phone": tasks // 2, "web": tasks // 2}
    return {item.what: round(item.dollars, 2) for item in cost.estimate(job, running)}


def test_the_usual_environment() -> None:
    """By the prices that lie beside the code: 730 hours of tasks, load balancer with two addresses, one NAT gateway."""
    task = (1 * 0.04048 + 2 * 0.004445) * 730
    found = estimate()
    assert found["2 phone tasks of 1 vCPU and 2 GB"] == pytest.approx(2 * task, abs=0.01)
    assert found["2 web tasks of 1 vCPU and 2 GB"] == pytest.approx(2 * task, abs=0.01)
    assert found["load balancer"] == pytest.approx((0.0225 + 2 * 0.005) * 730, abs=0.01)
    assert found["1 NAT gateway"] == pytest.approx((0.045 + 0.005) * 730, abs=0.01)
    assert len(found) == 5


def test_what_is_chosen_otherwise_costs_otherwise() -> None:
    """ARM is a fifth cheaper, a NAT gateway for each zone twice as dear, a firewall one more item."""
    other = estimate(CpuArchitecture="ARM64", NatGateways="per-zone", Firewall="true")
    usual = "2 phone tasks of 1 vCPU and 2 GB"
    assert other[usual] / estimate()[usual] == pytest.approx(0.8, abs=0.01)
    assert other["2 NAT gateways"] == 2 * estimate()["1 NAT gateway"]
    assert other["firewall"] > 0


def test_a_network_that_is_there_has_no_nat_but_addresses() -> None:
    """Each task has one."""
    assert estimate(VpcId="vpc-1")["public addresses of tasks"] == pytest.approx(4 * 0.005 * 730, abs=0.01)


def test_the_prices_say_where_they_are_from() -> None:
    """Nobody should take them for a bill."""
    said = cost.prices()["said"]
    assert all(word in said for word in ("us-east-1", "2026", "not checked"))
